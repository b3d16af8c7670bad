-- explain_invoice_line(id)
-- How an invoice line comes to its amount, step by step: the term applied, quantity, what is included, blocks, tiers,
-- price, minimum and maximum, rounding, what was billed before and why it changed, the sites' shares; the last row is
-- the amount. The arithmetic is exact and can be worked out again. Closed lines show what was sealed.
-- Example: from explain_invoice_line('alpine-2025:2026-03:starter_dar_overage:01')
with line as (
    select
        invoice_line_id,
        account_id,
        contract_id,
        billing_period,
        usage_from,
        usage_to,
        line_kind,
        description,
        quantity,
        amount,
        currency_code,
        billed_before_quantity,
        billed_before_amount,
        reasons,
        coalesce(meter, '') as meter,
        status,
        substr(cast(billing_period as varchar), 1, 7) as billed_in
    from billing.fct_invoice_lines
    where invoice_line_id = id
),

-- The numbers of each part as a person writes them.
parts as (
    select
        terms.*,
        line.line_kind,
        case when line.status = 'final' and terms.terms_id = 'current' then line.billed_in else terms.terms_id end as terms_of,
        rtrim(rtrim(cast(terms.quantity as varchar), '0'), '.') as used,
        rtrim(rtrim(cast(terms.quantity_before as varchar), '0'), '.') as used_before,
        rtrim(rtrim(cast(terms.quantity_before + terms.quantity as varchar), '0'), '.') as used_to,
        rtrim(rtrim(cast(terms.included_quantity as varchar), '0'), '.') as included,
        rtrim(rtrim(cast(terms.stated_included_quantity as varchar), '0'), '.') as stated_included,
        rtrim(rtrim(cast(terms.billable_quantity as varchar), '0'), '.') as billable,
        rtrim(rtrim(cast(terms.billable_before as varchar), '0'), '.') as billable_from,
        rtrim(rtrim(cast(terms.billable_before + terms.billable_quantity as varchar), '0'), '.') as billable_to,
        rtrim(rtrim(cast(coalesce(terms.block_size, 1) as varchar), '0'), '.') as block,
        rtrim(rtrim(cast(terms.blocks as varchar), '0'), '.') as charged_blocks,
        rtrim(rtrim(cast(terms.credits_per_block as varchar), '0'), '.') as credits_of_block,
        rtrim(rtrim(cast(terms.unit_price as varchar), '0'), '.') as price,
        replace(terms.meter, '_', ' ') as unit,
        case terms.rounding when 'up' then 'a started block is charged' when 'down' then 'only full blocks are charged' else 'charged pro rata' end
            as block_rule,
        case coalesce(terms.block_size, 1) when 1 then replace(terms.meter, '_', ' ') else block end as block_unit,
        case when terms.included_quantity <> 0 then ' above ' || included else '' end as allowance,
        case terms.rounding when 'up' then 'ceil(' when 'down' then 'floor(' end as whole_blocks,
        terms.part_from || ' to ' || (terms.part_to - 1) as dates
    from billing.fct_invoice_line_terms as terms
    inner join line
        on terms.invoice_line_id = line.invoice_line_id
),

worded as (
    select
        *,
        case charge_model
            when 'package' then currency_code || ' ' || price || ' for each block of ' || block || ' above ' || included || ', ' || block_rule
            when 'standard' then currency_code || ' ' || price || ' for each ' || block_unit || allowance
            when 'graduated' then 'Tiers: each tier prices the quantity that falls in it'
            when 'volume' then 'Tiers: the tier that the quantity falls in prices all of it'
            else currency_code || ' ' || price || ' for the month'
        end as term
    from parts
),

tiers as (
    select
        parts.part_number,
        parts.currency_code,
        tiers.tier_from,
        tiers.amount,
        rtrim(rtrim(cast(tiers.quantity as varchar), '0'), '.') as quantity,
        rtrim(rtrim(cast(tiers.unit_price as varchar), '0'), '.') as price,
        tiers.amount - tiers.quantity * tiers.unit_price as flat_amount,
        rtrim(rtrim(cast(tiers.tier_from as varchar), '0'), '.') as above,
        rtrim(rtrim(cast(tiers.tier_to as varchar), '0'), '.') as up_to
    from billing.fct_invoice_line_tiers as tiers
    inner join parts
        on tiers.invoice_line_id = parts.invoice_line_id
),

part_sums as (
    select
        string_agg(rtrim(rtrim(cast(amount as varchar), '0'), '.'), ' + ' order by part_number) as arithmetic,
        sum(amount) as amount
    from parts
),

steps as (
    select
        1 as section, 0 as part, 1 as item, '' as key, 'line' as topic,
        description || ': contract ' || contract_id || ' of account ' || account_id || ', ' || usage_from || ' to ' || (usage_to - 1)
        || ', billed in ' || billed_in
        || ' (' || status || case when status = 'held' then ': not billed until it is released' else '' end || ')' as explanation,
        cast(null as varchar) as arithmetic, cast(null as decimal(28, 6)) as result, cast(null as varchar) as unit
    from line
    union all
    select
        2, part_number, 1, '', 'term',
        term || ' (' || dates || '; plan ' || coalesce(rate_plan_id, '-') || ', ' || charge_id || ', ' || charge_model
        || ', price ' || coalesce(price_basis, 'not stated')
        || ', ' || case terms_of when 'current' then 'terms of today' else 'terms sealed with ' || terms_of end || ')',
        null, unit_price, currency_code
    from worded
    union all
    select
        2, part_number, 2, '', 'quantity',
        'Used ' || case when line_kind = 'adjustment' then 'as counted now, ' else '' end || dates
        || case when used_before <> '0' then ', after ' || used_before || ' before in the month' else '' end,
        case when used_before <> '0' then used_to || ' - ' || used_before end, quantity, unit
    from parts
    union all
    select
        2, part_number, 3, '', 'included',
        'Included in the plan'
        || case when stub_days <> stub_of_days then ', by days: the contract is in force on ' || stub_days || ' of ' || stub_of_days else '' end,
        case when stub_days <> stub_of_days then 'round(' || stated_included || ' * ' || stub_days || ' / ' || stub_of_days || ', 6)' end,
        included_quantity, unit
    from parts
    where charge_model <> 'flat' and stated_included_quantity is not null
    union all
    select
        2, part_number, 4, '', 'billable',
        'Above what is included' || case when is_suspended then ': shown, and not charged, as it is suspended' else '' end,
        'greatest(' || used_to || ' - ' || included || ', 0)'
        || case when billable_from <> '0' then ' - ' || billable_from else '' end,
        billable_quantity, unit
    from parts
    where charge_model <> 'flat'
    union all
    select
        2, part_number, 5, '', 'blocks',
        'Blocks of ' || block || case when is_suspended then ': none, suspended' else ': ' || block_rule end,
        case
            when is_suspended then null
            when charge_model = 'package' and rounding in ('up', 'down') and billable_from <> '0'
                then whole_blocks || billable_to || ' / ' || block || ') - ' || whole_blocks || billable_from || ' / ' || block || ')'
            when charge_model = 'package' and rounding in ('up', 'down') then whole_blocks || billable_to || ' / ' || block || ')'
            else 'round(' || billable || ' / ' || block || ', 6)'
        end,
        blocks, 'block'
    from parts
    where blocks is not null and (charge_model = 'package' or block <> '1')
    union all
    select
        2, part_number, 6, '', 'credits', 'Engagement credits, ' || credits_of_block || ' a block of ' || block,
        case
            when is_suspended then null
            when charge_model = 'package' and rounding in ('up', 'down') then charged_blocks || ' * ' || credits_of_block
            else 'round(' || billable || ' / ' || block || ' * ' || credits_of_block || ', 6)'
        end,
        credits, 'credit'
    from parts
    where credits is not null
    union all
    select
        2, part_number, 7, lpad(cast(tier_from as varchar), 25, '0'), 'tier',
        'Tier above ' || above || coalesce(' up to ' || up_to, '') || ': ' || quantity || ' at ' || currency_code || ' ' || price,
        quantity || ' * ' || price
        || case when flat_amount <> 0 then ' + ' || rtrim(rtrim(cast(cast(flat_amount as decimal(28, 9)) as varchar), '0'), '.') else '' end,
        amount, currency_code
    from tiers
    union all
    select
        2, part_number, 8, '', 'cost',
        case when minimum_amount is null and maximum_amount is null then 'Cost before rounding' else 'Cost before minimum, maximum and rounding' end,
        cost_arithmetic, cost, currency_code
    from parts
    union all
    select 2, part_number, 9, '', 'minimum', 'The month costs at least', null, minimum_amount, currency_code
    from parts
    where minimum_amount is not null
    union all
    select 2, part_number, 10, '', 'maximum', 'The month costs at most', null, maximum_amount, currency_code
    from parts
    where maximum_amount is not null
    union all
    select
        2, part_number, 11, '', 'rounding',
        'Rounded once, half away from zero, to ' || minor_units || ' decimals'
        || case when part_number > 1 then ': the month to the end of this part less the month to its start' else '' end,
        amount_arithmetic, amount, currency_code
    from parts
    union all
    select 3, 0, 1, '', 'now', 'What the month costs now', coalesce(part_sums.arithmetic, '0'), line.amount + line.billed_before_amount, line.currency_code
    from line
    cross join part_sums
    where line.line_kind = 'adjustment'
    union all
    select 3, 0, 2, '', 'billed before', 'What was billed for it before, all documents together', null, billed_before_amount, currency_code
    from line
    where line_kind = 'adjustment'
    union all
    select
        3, 0, 3, '', 'quantity change', 'Quantity now less the quantity billed before',
        rtrim(rtrim(cast(quantity + billed_before_quantity as varchar), '0'), '.') || ' - ' || rtrim(rtrim(cast(billed_before_quantity as varchar), '0'), '.'),
        quantity, replace(meter, '_', ' ')
    from line
    where line_kind = 'adjustment'
    union all
    select
        3, 0, 4, reason, 'reason',
        case reason
            when 'late_usage' then 'Late usage: it arrived after the month was closed'
            when 'conflict' then 'Conflict: copies of one record contradict each other, and another one counts now'
            when 'zone_history' then 'Zone history: a site''s zone, account or listening was corrected for that time'
            when 'held' then 'Held: the invoice was held when its month was closed'
            when 'terms' then 'Terms: the month is rated with other terms than it was'
            when 'withdrawn' then 'Withdrawn: a file was taken back by an approved withdrawal'
            else reason
        end,
        null, null, null
    from (select unnest(string_split(reasons, ',')) as reason from line) as found
    union all
    select
        4, 0, 1, shares.site_id, 'site share',
        'Site ' || shares.site_id || coalesce(': ' || rtrim(rtrim(cast(shares.quantity as varchar), '0'), '.') || ' ' || replace(line.meter, '_', ' '), ''),
        null, shares.amount, line.currency_code
    from billing.fct_invoice_line_sites as shares
    inner join line
        on shares.invoice_line_id = line.invoice_line_id
    union all
    select
        5, 0, 1, '', 'amount',
        'Amount of the line'
        || case line_kind when 'adjustment' then ': now less billed before' when 'credit' then ': the approved credit' else '' end,
        case
            when line_kind = 'adjustment' then
                rtrim(rtrim(cast(amount + billed_before_amount as varchar), '0'), '.') || ' - ' || rtrim(rtrim(cast(billed_before_amount as varchar), '0'), '.')
        end,
        amount, currency_code
    from line
)

select
    row_number() over (order by section, part, item, key) as step,
    topic,
    explanation,
    arithmetic,
    cast(result as decimal(28, 6)) as result,
    unit
from steps
order by step
