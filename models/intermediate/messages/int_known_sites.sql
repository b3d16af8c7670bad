with sites as (
    select distinct site_id from {{ ref('stg_reference__sites') }}
)

select * from sites
