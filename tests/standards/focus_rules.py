"""The requirements of FOCUS 1.2 that bear on this export, over the text of focus.csv, one function a requirement.

Written from the specification (focus.finops.org, version 1.2): presence, types, nullability, allowed values and how
columns go together. A requirement returns what offends it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from fractions import Fraction

Row = dict[str, str]
F = Fraction

MANDATORY = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost",
    "EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity", "PricingUnit", "ProviderName",
    "PublisherName", "ServiceCategory", "ServiceName",
)  # fmt: skip
# Present where the provider has what they say, or recommended.
CONDITIONAL = (
    "BillingAccountType", "ChargeFrequency", "ConsumedQuantity", "ConsumedUnit", "ContractedUnitPrice", "InvoiceId",
    "ListUnitPrice", "PricingCategory", "RegionId", "RegionName", "ResourceId", "ResourceName", "ResourceType",
    "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceId", "SubAccountId", "SubAccountName", "SubAccountType", "Tags",
)  # fmt: skip
NEVER_NULL = set(MANDATORY) - {"ChargeClass", "PricingQuantity", "PricingUnit"} | {"BillingAccountType"}
NUMBERS = ("BilledCost", "ConsumedQuantity", "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "ListCost",
           "ListUnitPrice", "PricingQuantity")  # fmt: skip
INSTANTS = ("BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart")
CATEGORIES = {"Usage", "Purchase", "Tax", "Credit", "Adjustment"}
SERVICE_CATEGORIES = {
    "AI and Machine Learning", "Analytics", "Business Applications", "Compute", "Databases", "Developer Tools",
    "Multicloud", "Identity", "Integration", "Internet of Things", "Management and Governance", "Media", "Migration",
    "Mobile", "Networking", "Security", "Storage", "Web", "Other",
}  # fmt: skip
SUBCATEGORIES = {"Business Applications": {"Productivity and Collaboration", "Other (Business Applications)"}}


def columns_are_named_as_the_specification_has_them(rows: Sequence[Row]) -> Iterator[str]:
    """Mandatory columns are there; what is not FOCUS's own begins with x_ and is PascalCase."""
    for name in MANDATORY:
        if any(name not in row for row in rows):
            yield f"{name} is missing"
    for name in rows[0] if rows else ():
        if name not in (*MANDATORY, *CONDITIONAL) and not re.fullmatch(r"x_[A-Z][A-Za-z0-9]*", name):
            yield f"{name} is no column of FOCUS and no custom one"


def values_have_their_types(rows: Sequence[Row]) -> Iterator[str]:
    """Numbers without separators, instants in UTC to the second, JSON objects, no text around spaces."""
    for row in rows:
        for name in NUMBERS:
            if row[name] and not re.fullmatch(r"-?\d+(\.\d+)?", row[name]):
                yield f"{name} = {row[name]!r}"
        for name in INSTANTS:
            if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row[name]):
                yield f"{name} = {row[name]!r}"
        if not re.fullmatch(r"[A-Z]{3}", row["BillingCurrency"]):
            yield f"BillingCurrency = {row['BillingCurrency']!r}"
        if not isinstance(json.loads(row["Tags"]), dict):
            yield f"Tags = {row['Tags']!r}"


def mandatory_values_are_not_null(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        yield from (f"{name} of {row['x_InvoiceLineId']}" for name in NEVER_NULL if row[name] == "")


def values_are_allowed(rows: Sequence[Row]) -> Iterator[str]:
    """ChargeCategory, ChargeClass, ChargeFrequency, PricingCategory, ServiceCategory and its subcategories."""
    allowed = {
        "ChargeCategory": CATEGORIES,
        "ChargeClass": {"", "Correction"},
        "ChargeFrequency": {"One-Time", "Recurring", "Usage-Based"},
        "PricingCategory": {"", "Standard", "Dynamic", "Committed", "Other"},
        "ServiceCategory": SERVICE_CATEGORIES,
    }
    for row in rows:
        yield from (f"{name} = {row[name]!r}" for name, values in allowed.items() if row[name] not in values)
        if row["ServiceSubcategory"] not in SUBCATEGORIES.get(row["ServiceCategory"], {row["ServiceSubcategory"]}):
            yield f"{row['ServiceSubcategory']} is not of {row['ServiceCategory']}"


def categories_rule_what_is_stated(rows: Sequence[Row]) -> Iterator[str]:
    """Usage consumes; a purchase is not usage-based; both have price, quantity and SKU; units go along."""
    for row in rows:
        line, category, is_correction = row["x_InvoiceLineId"], row["ChargeCategory"], row["ChargeClass"] != ""
        if category == "Usage" and not is_correction and not row["ConsumedQuantity"]:
            yield f"{line}: usage that consumes nothing"
        if category != "Usage" and row["ConsumedQuantity"]:
            yield f"{line}: {category} consumes"
        if category == "Purchase" and row["ChargeFrequency"] == "Usage-Based":
            yield f"{line}: a purchase is not usage-based"
        if category in ("Usage", "Purchase") and not is_correction:
            for name in ("PricingQuantity", "PricingUnit", "ContractedUnitPrice", "ListUnitPrice", "PricingCategory",
                         "SkuId", "SkuPriceId"):  # fmt: skip
                if row[name] == "":
                    yield f"{line}: no {name}"
        for value, unit in (("ConsumedQuantity", "ConsumedUnit"), ("PricingQuantity", "PricingUnit")):
            if (row[value] == "") != (row[unit] == ""):
                yield f"{line}: {value} without {unit} or the other way round"
        for name in ("ContractedUnitPrice", "ListUnitPrice"):
            if row[name] and F(row[name]) < 0:
                yield f"{line}: {name} is negative"
        for name in ("SubAccountName", "SubAccountType"):
            if row[name] and not row["SubAccountId"]:
                yield f"{line}: {name} of no sub account"


def costs_are_price_times_quantity(rows: Sequence[Row]) -> Iterator[str]:
    """Contracted and list cost are unit price x pricing quantity, to the last digit, corrections aside."""
    for row in rows:
        for cost, price in (("ContractedCost", "ContractedUnitPrice"), ("ListCost", "ListUnitPrice")):
            if row["ChargeClass"] == "" and row[price] and F(row[cost]) != F(row[price]) * F(row["PricingQuantity"]):
                yield f"{row['x_InvoiceLineId']}: {row[cost]} is not {row[price]} x {row['PricingQuantity']}"


def periods_are_half_open_months(rows: Sequence[Row]) -> Iterator[str]:
    """One billing period a file; a charge period ends after it begins, within one month, and not after the invoiced."""
    if len({(row["BillingPeriodStart"], row["BillingPeriodEnd"]) for row in rows}) > 1:
        yield "more than one billing period"
    for row in rows:
        billed_from, billed_to, start, end = (
            datetime.fromisoformat(row[name])
            for name in ("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd")
        )
        if (billed_from.day, billed_to.day) != (1, 1) or not 28 <= (billed_to - billed_from).days <= 31:
            yield f"{row['x_InvoiceLineId']}: the billing period is no month"
        if not start < end or (end - start).days > 31 or end > billed_to:
            yield f"{row['x_InvoiceLineId']}: {start} to {end}"
        is_earlier = end <= billed_from
        if is_earlier != (row["ChargeClass"] == "Correction") and row["ChargeCategory"] != "Credit":
            yield f"{row['x_InvoiceLineId']}: a correction is of an earlier month, and what is of one is a correction"


def site_shares_add_up(rows: Sequence[Row]) -> Iterator[str]:
    """x_SiteShares is JSON whose parts are the line's cost and quantity."""
    for row in rows:
        shares = json.loads(row["x_SiteShares"], parse_float=F, parse_int=F)
        if shares and sum(share["BilledCost"] for share in shares) != F(row["BilledCost"]):
            yield f"{row['x_InvoiceLineId']}: the sites' costs"
        if (
            shares
            and row["ConsumedQuantity"]
            and sum(share["Quantity"] for share in shares) != F(row["ConsumedQuantity"])
        ):
            yield f"{row['x_InvoiceLineId']}: the sites' quantities"


RULES: tuple[Callable[[Sequence[Row]], Iterator[str]], ...] = (
    columns_are_named_as_the_specification_has_them,
    values_have_their_types,
    mandatory_values_are_not_null,
    values_are_allowed,
    categories_rule_what_is_stated,
    costs_are_price_times_quantity,
    periods_are_half_open_months,
    site_shares_add_up,
)


def offences(rows: Sequence[Row]) -> list[str]:
    """Every offence against every rule, by the rule's name."""
    return [f"{rule.__name__}: {offence}" for rule in RULES for offence in rule(rows)]
