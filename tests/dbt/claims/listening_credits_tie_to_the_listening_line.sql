-- SPEC R8, P5: the facts' credits on the dates of a draft line are those of the line, where one standard charge
-- without an allowance prices listening. A credit that is no whole 10^-6 may round once a row.
with lines as (
    select
        contract_id,
        usage_period,
        any_value(usage_from) as usage_from,
        any_value(usage_to) as usage_to,
        sum(credits) as credits
    from {{ ref('fct_invoice_lines') }}
    where meter = 'listening'
        and line_kind = 'charge'
        and status <> 'final'
    group by contract_id, usage_period
    having count(*) = 1
        and max(charge_model) = 'standard'
        and max(included_quantity) = 0
        and count(credits) = 1
),

facts as (
    select
        days.contract_id,
        listened.activity_date,
        listened.credits
    from {{ ref('fct_listening_credits') }} as listened
    inner join {{ ref('dim_site_days') }} as days
        on listened.site_id = days.site_id
        and listened.activity_date = days.site_date
)

select
    lines.contract_id,
    lines.usage_period,
    lines.credits,
    sum(facts.credits) as credits_of_facts
from lines
left join facts
    on lines.contract_id = facts.contract_id
    and facts.activity_date >= lines.usage_from
    and facts.activity_date < lines.usage_to
group by lines.contract_id, lines.usage_period, lines.credits
having abs(lines.credits - coalesce(sum(facts.credits), 0)) > 0.000001 * count(facts.credits)
