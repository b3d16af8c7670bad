-- SPEC section 1: platform users and subscriptions are counted per period, never per date; nothing is negative.
select *
from {{ ref('fct_daily_usage') }}
where meter not in ('dar', 'channel_credit', 'listening', 'cobrowse_session', 'function_invocation')
    or quantity <= 0
    or quantity <> floor(quantity)
