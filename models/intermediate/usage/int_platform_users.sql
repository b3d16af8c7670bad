with contract_periods as (
    select * from {{ ref('int_contract_periods') }}
),

site_days as (
    select * from {{ ref('int_site_day_contracts') }}
),

user_days as (
    select * from {{ ref('int_platform_user_days') }}
),

agent_days as (
    select * from {{ ref('int_agent_days') }}
    where sender_kind in ('human', 'bot')
),

contract_days as (
    select
        site_days.contract_id,
        site_days.period,
        site_days.site_date,
        sum(user_days.users) as users
    from site_days
    inner join user_days
        on site_days.site_id = user_days.site_id
        and site_days.site_date = user_days.site_date
    where site_days.contract_id is not null
    group by all
),

peaks as (
    select
        contract_id,
        period,
        max(users) as provisioned_users,
        min_by(site_date, {{ record_of({'fewer': '-users', 'site_date': 'site_date'}) }}) as peak_date
    from contract_days
    group by contract_id, period
),

active as (
    select
        site_days.contract_id,
        site_days.period,
        count(distinct {{ record_of({'site_id': 'agent_days.site_id', 'agent_id': 'agent_days.agent_id'}) }}) as active_users
    from agent_days
    inner join site_days
        on agent_days.site_id = site_days.site_id
        and agent_days.activity_date = site_days.site_date
    where site_days.contract_id is not null
    group by site_days.contract_id, site_days.period
),

users as (
    select
        contract_periods.contract_id,
        contract_periods.period,
        cast(coalesce(peaks.provisioned_users, 0) as bigint) as provisioned_users,
        cast(coalesce(active.active_users, 0) as bigint) as active_users,
        peaks.peak_date,
        contract_periods.platform_user_limit as user_limit,
        coalesce(peaks.provisioned_users > contract_periods.platform_user_limit, false) as is_breach
    from contract_periods
    left join peaks
        on contract_periods.contract_id = peaks.contract_id
        and contract_periods.period = peaks.period
    left join active
        on contract_periods.contract_id = active.contract_id
        and contract_periods.period = active.period
)

select * from users
