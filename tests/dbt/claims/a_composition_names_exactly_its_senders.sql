-- SPEC R5: a DAR is of exactly one of seven compositions, so that they add up to the total.
select *
from {{ ref('fct_daily_active_relationships') }}
where composition not in (
        'bot_only', 'human_only', 'consumer_only', 'human_bot', 'bot_consumer', 'human_consumer', 'human_bot_consumer'
    )
    or contains(composition, 'bot') <> (bot_messages > 0)
    or contains(composition, 'human') <> (human_messages > 0)
    or contains(composition, 'consumer') <> (consumer_messages > 0)
    or conversations < 1
