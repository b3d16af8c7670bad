{# What usage facts take from a site and date's contract, in one fingerprint: the credit of listening, the channels. #}
with terms as (
    select * from {{ ref('int_site_day_terms') }}
),

listed_channels as (
    select * from {{ ref('int_listed_channels') }}
),

channels as (
    select * from {{ ref('int_period_channels') }}
),

listed as (
    select
        terms_id,
        rate_plan_id,
        md5({{ text_in_order('channel', 'channel') }}) as channels
    from listed_channels
    group by terms_id, rate_plan_id
),

mapped as (
    select
        period,
        md5({{ text_in_order("source || '=' || channel", 'source') }}) as channels
    from channels
    group by period
),

site_days as (
    select
        terms.site_id,
        terms.site_date,
        concat_ws(
            ' ',
            cast(terms.listening_credits as string),
            terms.listening_grain,
            coalesce(listed.channels, '-'),
            coalesce(mapped.channels, '-'),
            terms.contract_id
        ) as fingerprint
    from terms
    left join listed
        on terms.terms_id = listed.terms_id
        and terms.rate_plan_id = listed.rate_plan_id
    left join mapped
        on terms.period = mapped.period
)

select * from site_days
