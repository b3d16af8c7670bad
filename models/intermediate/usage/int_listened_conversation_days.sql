{# SPEC R8: listened if its consumer sent a counted message on that date while listening was on. #}
with conversation_days as (
    select * from {{ ref('int_conversation_days') }}
),

site_days as (
    select * from {{ ref('int_site_day_contracts') }}
),

contract_periods as (
    select * from {{ ref('int_contract_periods') }}
),

charges as (
    select * from {{ ref('int_charge_terms') }}
    where meter = 'listening'
),

first_messages as (
    select
        site_id,
        conversation_id,
        activity_date,
        min(first_message_at) as conversation_first_message_at
    from conversation_days
    group by site_id, conversation_id, activity_date
    having sum(listened_messages) > 0
),

listened as (
    select
        conversation_days.site_id,
        conversation_days.conversation_id,
        conversation_days.relationship_id,
        conversation_days.activity_date,
        first_messages.conversation_first_message_at,
        min(conversation_days.first_arrived_in) as first_arrived_in,
        min(conversation_days.evidence_file) as evidence_file
    from conversation_days
    inner join first_messages
        on conversation_days.site_id = first_messages.site_id
        and conversation_days.conversation_id = first_messages.conversation_id
        and conversation_days.activity_date = first_messages.activity_date
    group by all
    having sum(conversation_days.listened_messages) > 0
),

placed as (
    select
        listened.*,
        site_days.contract_id,
        contract_periods.terms_id,
        contract_periods.rate_plan_id,
        coalesce(contract_periods.listening_grain, 'dar') as listening_grain,
        row_number() over (
            partition by listened.site_id, listened.relationship_id, listened.activity_date
            order by listened.conversation_first_message_at, listened.conversation_id
        ) as place_in_dar
    from listened
    left join site_days
        on listened.site_id = site_days.site_id
        and listened.activity_date = site_days.site_date
    left join contract_periods
        on site_days.contract_id = contract_periods.contract_id
        and site_days.period = contract_periods.period
),

-- The plan's listening charge in force on the date; of several the first charge_id.
contract_dates as (
    select distinct
        terms_id,
        rate_plan_id,
        activity_date
    from placed
    where contract_id is not null
),

credit_terms as (
    select
        contract_dates.terms_id,
        contract_dates.rate_plan_id,
        contract_dates.activity_date,
        arg_min(
            {{ unscaled(rounded_quotient(scaled('charges.credits_per_block', 6) ~ ' * 1000000', scaled('coalesce(charges.block_size, 1)', 6)), 6, 18) }},
            charges.charge_id
        ) as credits
    from contract_dates
    inner join charges
        on contract_dates.terms_id = charges.terms_id
        and contract_dates.rate_plan_id = charges.rate_plan_id
        and {{ in_force('contract_dates.activity_date', 'charges.effective_from', 'charges.effective_to') }}
    group by all
),

without_term as (
    select cast({{ setting('listening_credits_without_term') }} as decimal(18, 6)) as credits
),

credited as (
    select
        placed.site_id,
        placed.conversation_id,
        placed.relationship_id,
        placed.activity_date,
        placed.contract_id,
        placed.first_arrived_in,
        placed.evidence_file,
        placed.listening_grain = 'conversation_dar' or placed.place_in_dar = 1 as carries_credit,
        coalesce(credit_terms.credits, without_term.credits) as term_credits
    from placed
    left join credit_terms
        on placed.terms_id = credit_terms.terms_id
        and placed.rate_plan_id = credit_terms.rate_plan_id
        and placed.activity_date = credit_terms.activity_date
    cross join without_term
),

charged as (
    select
        * exclude (term_credits),
        case when carries_credit then term_credits else cast(0 as decimal(18, 6)) end as credits
    from credited
)

select * from charged
