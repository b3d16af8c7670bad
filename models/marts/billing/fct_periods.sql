with periods as (
    select * from {{ ref('int_periods') }}
),

first_billed as (
    select * from {{ ref('int_first_billed_period') }}
),

lines as (
    select * from {{ ref('fct_invoice_lines') }}
),

seals as (
    select * from {{ ref('stg_sealed__seals') }}
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

amounts as (
    select
        billing_period,
        currency_code,
        count(*) as lines,
        sum(amount) as amount
    from lines
    group by billing_period, currency_code
),

totals as (
    select
        amounts.billing_period,
        cast(sum(amounts.lines) as bigint) as lines,
        string_agg(amounts.currency_code || ' ' || {{ money_text('amounts.amount', 'currencies.minor_units') }}, '; ' order by amounts.currency_code) as amounts
    from amounts
    inner join {{ ref('currencies') }} as currencies
        on amounts.currency_code = currencies.currency_code
    group by amounts.billing_period
),

adjusted as (
    select
        usage_period,
        string_agg(distinct {{ period_text('billing_period') }}, ',' order by {{ period_text('billing_period') }}) as adjusted_in
    from lines
    where line_kind = 'adjustment'
    group by usage_period
),

held as (
    select
        seal_period,
        string_agg(distinct contract_id, ',' order by contract_id) as held_contracts
    from {{ ref('stg_sealed__held_contracts') }}
    group by seal_period
),

inputs as (
    select
        seal_period,
        count(*) as new_input_files
    from {{ ref('stg_sealed__inputs') }}
    group by seal_period
),

described as (
    select
        periods.period,
        case
            when periods.is_closed then 'closed'
            when periods.period <= run.period then 'draft'
            else 'open'
        end as state,
        coalesce(totals.lines, 0) as lines,
        totals.amounts as amount,
        seals.seal_hash,
        adjusted.adjusted_in,
        seals.closed_by,
        held.held_contracts,
        inputs.new_input_files
    from periods
    cross join run
    inner join first_billed
        on periods.period >= first_billed.first_billed_period
    left join totals
        on periods.period = totals.billing_period
    left join seals
        on periods.period = seals.seal_period
    left join adjusted
        on periods.period = adjusted.usage_period
    left join held
        on periods.period = held.seal_period
    left join inputs
        on periods.period = inputs.seal_period
)

select * from described
