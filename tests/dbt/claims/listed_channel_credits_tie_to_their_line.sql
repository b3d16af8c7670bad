-- SPEC R7: the credits of listed channels on the dates of a draft line are its quantity, and a channel that the plan
-- does not list consumes none under a contract.
with lines as (
    select
        invoice_line_id,
        contract_id,
        usage_from,
        usage_to,
        quantity
    from {{ ref('fct_invoice_lines') }}
    where meter = 'channel_credit'
        and line_kind = 'charge'
        and charge_model <> 'flat'
        and status <> 'final'
),

facts as (
    select
        days.contract_id,
        channels.activity_date,
        channels.is_listed,
        sum(channels.credits) as credits
    from {{ ref('fct_channel_credits') }} as channels
    inner join {{ ref('dim_site_days') }} as days
        on channels.site_id = days.site_id
        and channels.activity_date = days.site_date
    where days.contract_id is not null
    group by all
)

select
    lines.invoice_line_id,
    lines.quantity,
    sum(facts.credits) filter (where facts.is_listed) as listed_credits,
    sum(facts.credits) filter (where not facts.is_listed) as unlisted_credits
from lines
left join facts
    on lines.contract_id = facts.contract_id
    and facts.activity_date >= lines.usage_from
    and facts.activity_date < lines.usage_to
group by lines.invoice_line_id, lines.quantity
having lines.quantity <> coalesce(listed_credits, 0)
    or coalesce(unlisted_credits, 0) <> 0
