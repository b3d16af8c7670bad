with lines as (
    select * from {{ ref('int_credit_lines') }}
),

site_days as (
    select * from {{ ref('int_site_day_contracts') }}
    where contract_id is not null
),

contracts as (
    select * from {{ ref('stg_reference__contracts') }}
),

history as (
    select * from {{ ref('int_site_history') }}
),

-- Shared over the contract's sites (SPEC P9): those of the usage period, else all of the calendar, else, for a
-- contract that ended before the calendar begins, all that its account had in its time.
contract_sites as (
    select
        contract_id,
        site_id,
        period
    from site_days
    group by all
),

of_period as (
    select distinct
        lines.invoice_line_id,
        contract_sites.site_id
    from lines
    inner join contract_sites
        on lines.contract_id = contract_sites.contract_id
        and lines.usage_period = contract_sites.period
),

of_any_period as (
    select distinct
        lines.invoice_line_id,
        contract_sites.site_id
    from lines
    inner join contract_sites
        on lines.contract_id = contract_sites.contract_id
    where lines.invoice_line_id not in (select invoice_line_id from of_period)
),

of_account as (
    select distinct
        lines.invoice_line_id,
        history.site_id
    from lines
    inner join contracts
        on lines.contract_id = contracts.contract_id
    inner join history
        on contracts.account_id = history.account_id
        and history.valid_to > {{ instant_of_midnight('contracts.starts_on', 0) }}
        and (contracts.ends_on is null or history.valid_from < {{ instant_of_midnight('contracts.ends_on', 0) }})
    where lines.contract_id not in (select contract_id from contract_sites)
),

sites as (
    select * from of_period
    union all
    select * from of_any_period
    union all
    select * from of_account
),

weighed as (
    select
        lines.invoice_line_id,
        sites.site_id,
        lines.minor_units,
        cast(null as hugeint) as quantity_whole,
        {{ scaled('lines.amount', 4) }} // {{ power_of_ten('4 - lines.minor_units') }} as amount_minor,
        cast(0 as hugeint) as weight
    from lines
    inner join sites
        on lines.invoice_line_id = sites.invoice_line_id
)

select * from weighed
