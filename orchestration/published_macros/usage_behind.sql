-- usage_behind(id)
-- What stands behind the quantity of an invoice line: its DARs, channel credits, listened conversations, Co-Browse
-- sessions, function days or platform users, each with its evidence. The quantities add up to the line's: a closed line
-- shows what its seal rested on, an adjustment what came after it; what left or changed since is one row a site.
-- Example: from usage_behind('alpine-2025:2026-03:starter_dar_overage:01')
with line as (
    select
        *,
        case when charge_model = 'flat' then 'flat' else coalesce(meter, 'credit') end as what,
        -- What an earlier document billed for the same month and charge.
        (
            select max(earlier.billing_period)
            from billing.fct_invoice_lines as earlier
            where earlier.contract_id = lines.contract_id
                and earlier.charge_id = lines.charge_id
                and earlier.usage_period = lines.usage_period
                and earlier.billing_period < lines.billing_period
                and earlier.status = 'final'
        ) as billed_until
    from billing.fct_invoice_lines as lines
    where lines.invoice_line_id = id
),

dates as (
    select
        days.site_id,
        days.site_date,
        line.what,
        line.line_kind,
        line.status,
        line.billing_period,
        line.billed_until
    from line
    inner join reference.dim_site_days as days
        on days.contract_id = line.contract_id
        and days.site_date >= line.usage_from
        and days.site_date < line.usage_to
    where line.what not in ('flat', 'credit', 'platform_user', 'subscription')
),

units as (
    select
        'DAR' as kind, dars.site_id, dars.activity_date, dars.relationship_id, cast(null as varchar) as channel,
        dars.evidence_conversation_id as conversation_id, dars.evidence_message_id as message_id,
        cast(null as varchar) as session_id, cast(null as varchar) as function_id, cast(1 as decimal(18, 6)) as quantity,
        dars.composition as detail, dars.first_sealed_in, 'dar' as meter
    from usage.fct_daily_active_relationships as dars
    union all
    select
        'channel credit', credits.site_id, credits.activity_date, credits.relationship_id, credits.channel,
        dars.evidence_conversation_id, dars.evidence_message_id,
        null, null, credits.credits, dars.composition, credits.first_sealed_in, 'channel_credit'
    from usage.fct_channel_credits as credits
    left join usage.fct_daily_active_relationships as dars
        on credits.site_id = dars.site_id
        and credits.relationship_id = dars.relationship_id
        and credits.activity_date = dars.activity_date
    where credits.credits <> 0
    union all
    select
        'listened conversation', listened.site_id, listened.activity_date, listened.relationship_id, null,
        listened.conversation_id, case when dars.evidence_conversation_id = listened.conversation_id then dars.evidence_message_id end,
        null, null, 1, listened.credits || ' credits', listened.first_sealed_in, 'listening'
    from usage.fct_listening_credits as listened
    left join usage.fct_daily_active_relationships as dars
        on listened.site_id = dars.site_id
        and listened.relationship_id = dars.relationship_id
        and listened.activity_date = dars.activity_date
    where listened.is_counted
    union all
    select
        'Co-Browse session', site_id, activity_date, null, null, conversation_id, null,
        session_id, null, 1, null, first_sealed_in, 'cobrowse_session'
    from usage.fct_cobrowse_sessions
    where is_interactive
    union all
    select
        'function day', site_id, activity_date, null, null, null, null,
        null, function_id, invocations, null, first_sealed_in, 'function_invocation'
    from usage.fct_function_invocation_arrivals
),

behind as (
    select units.*
    from dates
    inner join units
        on dates.site_id = units.site_id
        and dates.site_date = units.activity_date
        and dates.what = units.meter
    where (dates.status <> 'final' or units.first_sealed_in <= dates.billing_period)
        and (dates.line_kind <> 'adjustment' or dates.billed_until is null or coalesce(units.first_sealed_in > dates.billed_until, true))
),

listed as (
    select * from behind
    union all by name
    -- Platform users are one peak of the month, shared over the sites; kept as the line has it.
    select 'platform users at the peak' as kind, shares.site_id, shares.quantity
    from line
    inner join billing.fct_invoice_line_sites as shares
        on line.invoice_line_id = shares.invoice_line_id
    where line.what = 'platform_user'
    union all by name
    select
        case what when 'credit' then 'credit' when 'subscription' then 'contract' else 'flat price' end as kind,
        quantity,
        case what when 'credit' then description else 'contract ' || contract_id end as detail
    from line
    where what in ('flat', 'credit', 'subscription')
),

-- What the line was billed for and the ledger no longer shows as arrived by then, or the other way round.
counted as (
    select site_id, sum(quantity) as quantity
    from behind
    group by site_id
),

billed as (
    select shares.site_id, coalesce(shares.quantity, 0) as quantity
    from line
    inner join billing.fct_invoice_line_sites as shares
        on line.invoice_line_id = shares.invoice_line_id
    where line.what not in ('flat', 'credit', 'platform_user', 'subscription')
),

changed as (
    select
        'changed since' as kind,
        coalesce(billed.site_id, counted.site_id) as site_id,
        cast(coalesce(billed.quantity, 0) - coalesce(counted.quantity, 0) as decimal(18, 6)) as quantity,
        'in the line and not shown by the files of today as come in its time, or the other way round: '
        || 'withdrawn, replaced, re-dated, re-assigned or under other terms' as detail
    from billed
    full outer join counted
        on billed.site_id = counted.site_id
    where coalesce(billed.quantity, 0) <> coalesce(counted.quantity, 0)
),

all_rows as (
    select * from listed
    union all by name
    select * from changed
)

select
    kind,
    site_id,
    activity_date,
    relationship_id,
    channel,
    conversation_id,
    message_id,
    session_id,
    function_id,
    cast(quantity as decimal(18, 6)) as quantity,
    detail
from all_rows
order by kind = 'changed since', activity_date nulls first, site_id, relationship_id, conversation_id, session_id, function_id, channel
