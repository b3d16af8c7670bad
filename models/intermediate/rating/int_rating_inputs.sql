{# What the price of a contract's period is worked out from, in one fingerprint: its parts, their quantities and tiers.
   Rows by DuckDB's hash(): their text costs as much as rating them does (DECISIONS.md). #}
with parts as (
    select * from {{ ref('int_part_usage') }}
),

tiers as (
    select * from {{ ref('int_tier_terms') }}
),

tier_hashes as (
    select
        terms_id,
        charge_id,
        {{ text_in_order('cast(hash(tiers) as varchar)', 'effective_from, tier_from') }} as tier_hash
    from tiers
    group by terms_id, charge_id
),

part_hashes as (
    select
        parts.contract_id,
        parts.period,
        parts.scenario,
        parts.charge_id,
        parts.part_number,
        cast(hash(parts, tier_hashes.tier_hash) as varchar) as part_hash
    from parts
    left join tier_hashes
        on parts.terms_id = tier_hashes.terms_id
        and parts.charge_id = tier_hashes.charge_id
),

inputs as (
    select
        contract_id,
        period,
        md5({{ text_in_order('part_hash', 'scenario, charge_id, part_number') }}) as fingerprint
    from part_hashes
    group by contract_id, period
)

select * from inputs
