with usage as (
    select * from {{ ref('int_metered_usage') }}
),

charges as (
    select * from {{ ref('int_charge_parts') }}
),

billed_from as (
    select * from {{ ref('int_first_billed_period') }}
),

priced as (
    select distinct
        contract_id,
        meter,
        period,
        part_from,
        part_to
    from charges
),

judged as (
    select
        usage.*,
        case
            when usage.period < billed_from.first_billed_period then null
            when not usage.is_channel_mapped then 'unmapped_channel'
            when usage.contract_id is null then 'no_contract'
            when not exists (
                    select 1
                    from priced
                    where priced.contract_id = usage.contract_id
                        and priced.meter = usage.meter
                        and priced.period = usage.period
                        and usage.activity_date >= priced.part_from
                        and usage.activity_date < priced.part_to
                ) then 'no_term'
        end as unrated_reason,
        coalesce(usage.period < billed_from.first_billed_period, false) as is_before_first_billed
    from usage
    cross join billed_from
)

select * from judged
