"""What the house rules let pass, each with its reason and date. An exception that nothing needs any more fails too."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Exemption:
    """`finding` is the text of a rule's finding up to its number of lines, or the name before the colon."""

    rule: str
    finding: str
    reason: str
    date: str


SEALED = "closed periods are shown as sealed: the seal's staging view is the record itself, there is nothing to add"
RUN = "PERIOD of the run decides what is shown as a draft"
TERMS = "reference row shown as it arrived and was checked on load"
LINES = "one statement of one thing, CTE by CTE; splitting would name tables that nobody reads"

EXEMPTIONS = (
    # marts that read staging
    Exemption("no_layer_reads_upwards", "dim_accounts: a mart reads stg_reference__accounts", TERMS, "2026-11-22"),
    Exemption("no_layer_reads_upwards", "dim_contracts: a mart reads stg_reference__contracts", TERMS, "2026-11-22"),
    Exemption(
        "no_layer_reads_upwards",
        "fct_invoices: a mart reads stg_reference__contracts",
        "a draft shows the purchase order of today",
        "2026-11-22",
    ),
    *(
        Exemption("no_layer_reads_upwards", f"{mart}: a mart reads {staging}", reason, "2026-11-22")
        for mart, staging, reason in (
            ("dim_accounts", "stg_sealed__accounts", SEALED),
            ("dim_contracts", "stg_sealed__contracts", SEALED),
            ("dim_rate_plans", "stg_sealed__rate_plans", SEALED),
            ("fct_periods", "stg_sealed__held_contracts", SEALED),
            ("fct_periods", "stg_sealed__inputs", SEALED),
            ("fct_reconciliation", "stg_sealed__invoice_lines", SEALED),
            ("fct_invoice_bridge", "stg_sealed__held_contracts", SEALED),
            ("fct_invoice_line_sites", "stg_sealed__invoice_line_sites", SEALED),
            ("fct_invoice_line_terms", "stg_sealed__invoice_line_terms", SEALED),
            ("fct_invoice_line_tiers", "stg_sealed__invoice_line_tiers", SEALED),
            ("fct_invoice_lines", "stg_sealed__invoice_lines", SEALED),
            ("fct_invoices", "stg_sealed__invoices", SEALED),
            ("fct_periods", "stg_sealed__seals", SEALED),
            ("fct_invoice_lines", "stg_run__settings", RUN),
            ("fct_invoices", "stg_run__settings", RUN),
            ("fct_periods", "stg_run__settings", RUN),
            ("fct_reconciliation", "stg_run__settings", RUN),
        )
    ),
    # grain without a uniqueness test
    *(
        Exemption("a_model_has_a_uniqueness_test", f"{model}: nothing proves its grain", reason, "2026-11-22")
        for model, reason in (
            ("int_messages_accepted", "a filter of all messages, whose key stg_messaging__messages tests"),
            ("int_messages_winning", "all messages: the claim on DARs and C6 find a message counted twice"),
            ("stg_messaging__agent_participants", "the same agent may be listed more than once in one record"),
            ("stg_messaging__consumer_participants", "the same consumer joins again in one record"),
        )
    ),
    # no unit test
    *(
        Exemption(
            "a_model_that_decides_has_a_unit_test",
            f"{model}: policy without a unit test",
            "the policy rows themselves, column by column",
            "2026-11-22",
        )
        for model in ("dim_channels",)
    ),
    Exemption(
        "nothing_works_on_one_machine_alone",
        "loader.py: brings rows to the driver by toLocalIterator",
        "names of the files that are read again, one after the other; Spark's driver lists all of them in any case",
        "2026-11-22",
    ),
    # sizes
    *(
        Exemption("a_model_is_about_a_hundred_lines", model, LINES, "2026-11-22")
        for model in (
            "fct_invoice_bridge",
            "fct_invoice_lines",
            "fct_reconciliation",
            "int_adjustment_reasons",
            "int_charge_line_weights",
            "int_conflicts",
            "int_contract_holds",
            "int_contract_periods",
            "int_incomplete_inputs",
            "int_part_usage",
            "int_rated_usage",
            "int_record_outcomes",
            "int_rejected_records",
            "int_search_gaps",
        )
    ),
    *(
        Exemption("a_file_is_under_four_hundred_lines", file, reason, "2026-11-22")
        for file, reason in (
            ("models/glossary.md", "one definition a column, in one list"),
            ("orchestration/records.py", "one projection a feed, side by side"),
            ("orchestration/sealing.py", "writing, chaining and reading back a seal"),
            ("expectations/outgoing.yml", "one expectation a paragraph, as Great Expectations writes them"),
        )
    ),
)


def is_exempt(rule: str, finding: str, exemption: Exemption) -> bool:
    """Does the exemption name this finding of this rule?"""
    return exemption.rule == rule and exemption.finding in (finding, finding.split(":")[0])
