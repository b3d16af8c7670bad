-- FOCUS 1.2 (FinOps Open Cost and Usage Specification), one row per line of the period's books. BillingPeriod is the
-- invoiced month, ChargePeriod what the line covers of its usage month, both half-open; dates are those of the sites'
-- calendars, written as midnights in UTC. Its column names are the specification's own.
-- noqa: disable=RF06
with sites as (
    select
        invoice_line_id,
        '[' || string_agg(
            '{"SiteId": ' || to_json(site_id)
            || ', "Quantity": ' || coalesce(rtrim(rtrim(cast(quantity as varchar), '0'), '.'), 'null')
            || ', "BilledCost": ' || rtrim(rtrim(cast(amount as varchar), '0'), '.') || '}',
            ', ' order by site_id
        ) || ']' as site_shares
    from books.invoice_line_sites
    group by invoice_line_id
),

-- A charge has one term; an adjustment is a difference and is priced by none.
terms as (
    select * from books.invoice_line_terms
),

lines as (
    select
        lines.*,
        terms.cost,
        terms.unit_price as price,
        terms.amount_arithmetic,
        coalesce(terms.block_size, 1) as block,
        meters.unit,
        meters.description as meter_description,
        lines.line_kind = 'adjustment' as is_correction,
        case
            when lines.line_kind = 'credit' then 'Credit'
            when lines.meter = 'subscription' then 'Purchase'
            else 'Usage'
        end as category,
        -- FOCUS: price times quantity is the contracted cost, to the last digit. Tiers, flat prices and blocks that
        -- do not come out even are priced as one month of the charge.
        coalesce(lines.charge_model in ('standard', 'package') and lines.blocks * terms.unit_price = terms.cost, false) as is_priced_by_unit
    from books.invoice_lines as lines
    left join terms
        on lines.invoice_line_id = terms.invoice_line_id
        and lines.line_kind in ('charge', 'subscription')
    left join books.meters as meters
        on lines.meter = meters.meter
),

priced as (
    select
        *,
        not is_correction and category <> 'Credit' as has_price,
        case when is_priced_by_unit then blocks else 1 end as priced_quantity,
        case
            when not is_priced_by_unit then 'Months'
            when block = 1 then unit
            else rtrim(rtrim(cast(block as varchar), '0'), '.') || ' ' || unit
        end as priced_unit,
        case when is_priced_by_unit then price else cost end as priced_at
    from lines
),

focus as (
    select
        cast(priced.amount as decimal(18, 4)) as "BilledCost",
        priced.account_id as "BillingAccountId",
        coalesce(accounts.account_name, priced.account_id) as "BillingAccountName",
        'Account' as "BillingAccountType",
        priced.currency_code as "BillingCurrency",
        cast(priced.billing_period + interval 1 month as timestamptz) as "BillingPeriodEnd",
        cast(priced.billing_period as timestamptz) as "BillingPeriodStart",
        priced.category as "ChargeCategory",
        case when priced.is_correction then 'Correction' end as "ChargeClass",
        coalesce(priced.description, priced.charge_id, priced.line_kind) as "ChargeDescription",
        case priced.category when 'Usage' then 'Usage-Based' when 'Purchase' then 'Recurring' else 'One-Time' end as "ChargeFrequency",
        cast(priced.usage_to as timestamptz) as "ChargePeriodEnd",
        cast(priced.usage_from as timestamptz) as "ChargePeriodStart",
        case when priced.category = 'Usage' then priced.quantity end as "ConsumedQuantity",
        case when priced.category = 'Usage' and priced.quantity is not null then priced.unit end as "ConsumedUnit",
        case when priced.has_price then priced.cost else priced.amount end as "ContractedCost",
        case when priced.has_price then priced.priced_at end as "ContractedUnitPrice",
        cast(priced.amount as decimal(18, 4)) as "EffectiveCost",
        invoices.document_number as "InvoiceId",
        issuers.issuer_name as "InvoiceIssuerName",
        case when priced.has_price then priced.cost else priced.amount end as "ListCost",
        case when priced.has_price then priced.priced_at end as "ListUnitPrice",
        case when priced.category <> 'Credit' then 'Standard' end as "PricingCategory",
        case when priced.has_price then priced.priced_quantity end as "PricingQuantity",
        case when priced.has_price then priced.priced_unit end as "PricingUnit",
        issuers.provider_name as "ProviderName",
        issuers.publisher_name as "PublisherName",
        cast(null as varchar) as "RegionId",
        cast(null as varchar) as "RegionName",
        cast(null as varchar) as "ResourceId",
        cast(null as varchar) as "ResourceName",
        cast(null as varchar) as "ResourceType",
        issuers.service_category as "ServiceCategory",
        issuers.service_name as "ServiceName",
        issuers.service_subcategory as "ServiceSubcategory",
        priced.charge_id as "SkuId",
        priced.meter_description as "SkuMeter",
        priced.charge_id || ':' || case
            when priced.is_priced_by_unit
                then rtrim(rtrim(cast(priced.price as varchar), '0'), '.') || '/' || rtrim(rtrim(cast(priced.block as varchar), '0'), '.')
            else priced.charge_model
        end as "SkuPriceId",
        cast(null as varchar) as "SubAccountId",
        cast(null as varchar) as "SubAccountName",
        cast(null as varchar) as "SubAccountType",
        '{"contract": ' || to_json(priced.contract_id) || '}' as "Tags",
        priced.amount_arithmetic as "x_AmountArithmetic",
        priced.contract_id as "x_ContractId",
        priced.reasons as "x_CorrectionReasons",
        priced.invoice_line_id as "x_InvoiceLineId",
        priced.line_kind as "x_LineKind",
        priced.meter as "x_Meter",
        priced.price_basis as "x_PriceBasis",
        coalesce(sites.site_shares, '[]') as "x_SiteShares",
        priced.status as "x_Status",
        priced.usage_period as "x_UsagePeriod"
    from priced
    left join books.accounts as accounts
        on priced.account_id = accounts.account_id
    left join books.invoices as invoices
        on priced.invoice_id = invoices.invoice_id
    left join sites
        on priced.invoice_line_id = sites.invoice_line_id
    cross join books.issuers as issuers
)

select *
from focus
order by "x_InvoiceLineId"
