"""What a seal holds: the rows of each of its tables, in their order (SPEC C1).

What belongs here: which rows, as SQL over the warehouse's marts. What does not: writing and reading them (sealing).
"""

from __future__ import annotations

# Table -> the rows that this period's seal keeps, in their order.
# `$period` is the period, `$issued_on` the day of LEDGER_AS_OF in UTC. Names are those of raw.sealed_<table>.
SEALED_ROWS = {
    # What bears on a period without an instant in it: copies that list an agent or the consumer of its conversations,
    # or hold only their later messages, and snapshots of users without users.
    "inputs": """
        with period as (
            select max(last_instant_at) as ends_at from intermediate.int_site_days where period = $period
        ),
        dated as (
            select contents.content_id
            from raw.landing_contents as contents, period
            where contents.feed in ('messaging_interactions', 'function_invocations', 'platform_users')
                and contents.first_instant_at < period.ends_at
        ),
        undated as (
            select content_id, conversation_copy_id, site_id, conversation_id
            from raw.conversations
            where content_id not in (select content_id from dated)
        ),
        copies as (
            select conversations.conversation_copy_id, conversations.site_id, conversations.conversation_id
            from raw.conversations as conversations
            semi join undated using (site_id, conversation_id)
            where conversations.content_id in (select content_id from dated)
        ),
        moments as (
            select conversation_copy_id, sent_at as occurred_at from raw.messages
            union all
            select conversation_copy_id, coalesce(interactive_at, started_at) from raw.cobrowse_sessions
        ),
        touched as (
            select distinct copies.site_id, copies.conversation_id
            from moments
            cross join period
            inner join copies using (conversation_copy_id)
            where moments.occurred_at < period.ends_at
        ),
        resting as (
            select content_id from dated
            union
            select undated.content_id from undated inner join touched using (site_id, conversation_id)
            union
            select snapshots.content_id
            from raw.platform_user_snapshots as snapshots, period
            where snapshots.snapshot_at < period.ends_at
        )
        select files.path, files.sha256, contents.first_instant_at, contents.last_instant_at
        from raw.landing_files as files
        inner join raw.landing_contents as contents using (content_id)
        where contents.content_id in (select content_id from resting)
            and (files.path, files.sha256) not in (select (path, sha256) from raw.sealed_inputs)
        order by path, sha256""",
    "held_contracts": """
        select contract_id, check_name, sum(quantity)::decimal(18, 6) as quantity
        from intermediate.int_contract_holds
        where is_held and billing_period = $period and contract_id is not null
        group by all order by all""",
    "accounts": "select account_id, account_name, currency_code from raw.accounts order by account_id",
    "sites": """
        select site_id, account_id, time_zone, listening_enabled, effective_at
        from raw.sites order by site_id, effective_at""",
    # The terms of everything rated here with the terms of today: the period's own contracts, and those of earlier
    # periods that were repriced, held until now or signed since; what an earlier seal rated stays under that seal.
    "contracts": """
        select
            contracts.period as usage_period, contracts.contract_id, contracts.account_id, contracts.rate_plan_id,
            contracts.starts_on, contracts.ends_on, contracts.functions_over_cap, contracts.purchase_order,
            contracts.payment_terms_days
        from intermediate.int_contract_periods as contracts
        where contracts.terms_id = 'current'
            and contracts.contract_id not in (
                select contract_id from intermediate.int_contract_holds
                where is_held and billing_period = $period and contract_id is not null
            )
            and contracts.period <= $period
            and contracts.period >= (select first_billed_period from intermediate.int_first_billed_period)
            and contracts.period not in (select period from intermediate.int_sealed_terms where is_frozen)
        order by all""",
    "rate_plans": """
        select rate_plan_id, rate_plan_name, currency_code, platform_user_limit, listening_grain, stub_allowance
        from policy.rate_plans order by rate_plan_id""",
    "rate_plan_charges": """
        select
            rate_plan_id, charge_id, meter, charge_model, included_quantity, block_size, credits_per_block,
            price_per_block, rounding, minimum_amount, maximum_amount, price_basis, effective_from, effective_to,
            description
        from policy.rate_plan_charges order by charge_id, effective_from""",
    "rate_plan_tiers": """
        select
            charge_id, tier_from, tier_to, coalesce(unit_price, 0) as unit_price, coalesce(flat_price, 0) as flat_price,
            effective_from, effective_to
        from policy.rate_plan_tiers order by charge_id, effective_from, tier_from""",
    "rate_plan_channels": "select rate_plan_id, channel from policy.rate_plan_channels order by all",
    "channels": "select source, channel from policy.channels order by source",
    "currencies": "select currency_code, minor_units from policy.currencies order by currency_code",
    "message_audiences": "select audience, reaches_consumer from policy.message_audiences order by audience",
    "repricing": """
        select distinct strptime(left(usage_period, 7) || '-01', '%Y-%m-%d')::date as usage_period
        from policy.repricing order by usage_period""",
    "withdrawals": "select distinct path from policy.withdrawals order by path",
    "activity_rules": "select sender_kind, counts from policy.activity_rules order by sender_kind",
    "trigger_rules": "select trigger, counts from policy.trigger_rules order by trigger",
    # The metered usage that the lines rest on: the period's, and that of the periods adjusted here.
    "daily_usage": """
        select site_id, contract_id, meter, activity_date, is_channel_mapped, quantity
        from intermediate.int_metered_usage
        where period = $period
            or period in (
                select usage_period from billing.fct_invoice_lines
                where billing_period = $period and line_kind = 'adjustment' and status = 'draft'
            )
        order by site_id, meter, activity_date, is_channel_mapped, contract_id""",
    "usage_to_date": """
        select
            contract_id, meter, period, as_of, quantity, included_quantity, used_fraction, projected_quantity,
            projected_amount, alert_level
        from billing.fct_usage_to_date where period = $period order by contract_id, meter""",
    "invoice_lines": """
        select * exclude (status) from billing.fct_invoice_lines
        where billing_period = $period and status = 'draft'
        order by invoice_line_id""",
    "invoice_line_tiers": """
        select tiers.* from billing.fct_invoice_line_tiers as tiers
        inner join billing.fct_invoice_lines as lines using (invoice_line_id)
        where lines.billing_period = $period and lines.status = 'draft'
        order by invoice_line_id, tier_from""",
    "invoice_line_terms": """
        select terms.* from billing.fct_invoice_line_terms as terms
        inner join billing.fct_invoice_lines as lines using (invoice_line_id)
        where lines.billing_period = $period and lines.status = 'draft'
        order by invoice_line_id, part_number""",
    "invoice_line_sites": """
        select shares.* from billing.fct_invoice_line_sites as shares
        inner join billing.fct_invoice_lines as lines using (invoice_line_id)
        where lines.billing_period = $period and lines.status = 'draft'
        order by invoice_line_id, site_id""",
    # Numbers without a gap, over all documents that have one; a statement has none.
    "invoices": """
        with drafts as (
            select
                *,
                row_number() over (
                    partition by document_type = 'statement' order by account_id, contract_id
                ) + (
                    select coalesce(max(cast(split_part(document_number, '-', 2) as bigint)), 0)
                    from raw.sealed_invoices
                ) as next_number
            from billing.fct_invoices
            where billing_period = $period and status = 'draft'
        ),
        numbered as (
            select
                *,
                repeat('0', greatest(6 - length(cast(next_number as varchar)), 0)) || cast(next_number as varchar)
                    as padded_number
            from drafts
        ),
        terms as (
            select contract_id, arg_max({'days': payment_terms_days}, period).days as payment_terms_days
            from intermediate.int_contract_periods
            group by contract_id
        )
        select
            invoice_id, document_type,
            case document_type
                when 'invoice' then 'INV-' || padded_number
                when 'credit_note' then 'CRN-' || padded_number
            end as document_number,
            account_id, contract_id, billing_period,
            cast($issued_on as date) as issue_date,
            cast($issued_on as date) + terms.payment_terms_days as due_date,
            service_from, service_to, purchase_order, lines, amount, currency_code
        from numbered
        left join terms using (contract_id)
        order by invoice_id""",
}

# What the files of a closed period are made from besides: read from the seal then, never into the warehouse.
SEALED_FOR_BOOKS = {
    "daily_active_relationships": """
        select dars.*, days.contract_id, days.account_id
        from usage.fct_daily_active_relationships as dars
        left join intermediate.int_site_day_contracts as days
            on dars.site_id = days.site_id and dars.activity_date = days.site_date
        where dars.activity_date >= $period and dars.activity_date < $period + interval 1 month
        order by dars.site_id, dars.activity_date, dars.relationship_id""",
    "platform_users": "select * from usage.fct_platform_users where period = $period order by contract_id",
    "reconciliation": "select * from quality.fct_reconciliation where period = $period order by check_name",
    "service_levels": """
        select * from support.fct_service_levels where due_month = $period order by account_id, severity, kind""",
    "unrated_usage": """
        select * from billing.fct_unrated_usage
        where activity_date >= $period and activity_date < $period + interval 1 month
        order by site_id, meter, activity_date, reason""",
}

# Policy that explains a seal and that nothing re-reads: kept beside the rest, row by row.
SEALED_POLICY = ("meters", "settings", "acknowledgements", "gl_accounts", "issuers")
