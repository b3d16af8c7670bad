{# Last month's document to this month's: every difference has one name, and they add up. #}
with lines as (
    select * from {{ ref('fct_invoice_lines') }}
),

at_last_terms as (
    select * from {{ ref('int_last_terms_amounts') }}
),

held as (
    select distinct contract_id, seal_period
    from {{ ref('stg_sealed__held_contracts') }}
),

months as (
    select distinct billing_period as period
    from lines
),

-- Each month's sums stand twice: for the month itself, and as the month before of the next one.
sums as (
    select
        account_id,
        contract_id,
        currency_code,
        billing_period,
        case when line_kind in ('charge', 'subscription') then charge_id end as charge_id,
        case
            when line_kind in ('charge', 'subscription') then 'base'
            when line_kind = 'credit' then 'credit'
            when list_contains(string_split(reasons, ','), 'late_usage') then 'late_usage'
            else 'other'
        end as kind,
        sum(amount) as amount
    from lines
    group by all
),

sides as (
    select *, billing_period as period, true as is_now from sums
    union all
    select *, {{ add_months('billing_period', 1) }} as period, false as is_now from sums
),

compared as (
    select
        account_id,
        contract_id,
        currency_code,
        period,
        charge_id,
        kind,
        coalesce(sum(amount) filter (where is_now), 0) as amount_now,
        coalesce(sum(amount) filter (where not is_now), 0) as amount_before,
        bool_or(is_now) as is_in_this,
        bool_or(not is_now) as is_in_last
    from sides
    where period in (select period from months)
    group by all
),

named as (
    select
        compared.*,
        compared.amount_now - compared.amount_before as difference,
        at_last_terms.amount - at_last_terms.amount_before as volume_difference,
        case
            when compared.kind <> 'base' then compared.kind
            when held_now.contract_id is not null or held_before.contract_id is not null then 'other'
            when not (compared.is_in_this and compared.is_in_last) then 'plan_change'
            when at_last_terms.amount is null or at_last_terms.is_shared_by_days then 'other'
            else 'volume_and_price'
        end as effect
    from compared
    left join at_last_terms
        on compared.contract_id = at_last_terms.contract_id
        and compared.charge_id = at_last_terms.charge_id
        and compared.period = at_last_terms.period
    left join held as held_now
        on compared.contract_id = held_now.contract_id
        and compared.period = held_now.seal_period
    left join held as held_before
        on compared.contract_id = held_before.contract_id
        and compared.period = {{ add_months('held_before.seal_period', 1) }}
),

bridge as (
    select
        account_id,
        contract_id,
        period as billing_period,
        cast(sum(amount_before) as decimal(18, 4)) as previous_amount,
        cast(coalesce(sum(volume_difference) filter (where effect = 'volume_and_price'), 0) as decimal(18, 4)) as volume_amount,
        cast(coalesce(sum(difference - volume_difference) filter (where effect = 'volume_and_price'), 0) as decimal(18, 4)) as price_amount,
        cast(coalesce(sum(difference) filter (where effect = 'late_usage'), 0) as decimal(18, 4)) as late_usage_amount,
        cast(coalesce(sum(difference) filter (where effect = 'plan_change'), 0) as decimal(18, 4)) as plan_change_amount,
        cast(coalesce(sum(difference) filter (where effect = 'credit'), 0) as decimal(18, 4)) as credit_amount,
        cast(coalesce(sum(difference) filter (where effect = 'other'), 0) as decimal(18, 4)) as other_amount,
        cast(sum(amount_now) as decimal(18, 4)) as amount,
        currency_code
    from named
    group by account_id, contract_id, period, currency_code
)

select * from bridge
