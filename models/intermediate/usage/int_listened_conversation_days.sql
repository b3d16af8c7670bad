{{ config(
    materialized=kept(),
    unique_key=['site_id', 'activity_date'],
    meta={'changes': 'int_changed_days', 'slices': {'of': 'int_conversation_days', 'by': 'activity_date'}}
) }}


{# SPEC R8: listened if its consumer sent a counted message on that date while listening was on. #}
with changed as (
    select * from {{ ref('int_changed_days') }}
),

conversation_days as (
    select conversation_days.*
    from {{ ref('int_conversation_days') }} as conversation_days
    inner join changed
        on conversation_days.site_id = changed.site_id
        and conversation_days.activity_date = changed.activity_date
    where {{ in_slice('conversation_days.activity_date') }}
),

terms as (
    select * from {{ ref('int_site_day_terms') }}
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
        -- What makes it listened are its consumer's messages: those may be late where an agent's are not.
        min(conversation_days.listened_first_arrived_in) as first_arrived_in,
        min(conversation_days.listened_file) as evidence_file
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
        *,
        row_number() over (
            partition by site_id, relationship_id, activity_date
            order by conversation_first_message_at, conversation_id
        ) as place_in_dar
    from listened
),

-- A date outside the calendar of contracts is one without a contract.
credited as (
    select
        placed.site_id,
        placed.conversation_id,
        placed.relationship_id,
        placed.activity_date,
        terms.contract_id,
        placed.first_arrived_in,
        placed.evidence_file,
        coalesce(terms.listening_grain, 'dar') = 'conversation_dar' or placed.place_in_dar = 1 as carries_credit,
        coalesce(terms.listening_credits, cast({{ setting('listening_credits_without_term') }} as decimal(18, 6))) as term_credits
    from placed
    left join terms
        on placed.site_id = terms.site_id
        and placed.activity_date = terms.site_date
),

charged as (
    select
        site_id,
        conversation_id,
        relationship_id,
        activity_date,
        contract_id,
        first_arrived_in,
        evidence_file,
        carries_credit,
        case when carries_credit then term_credits else cast(0 as decimal(18, 6)) end as credits
    from credited
)

select * from charged
