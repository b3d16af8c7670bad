-- The raw tables: what a landing file says, and no more. Everything here is written by
-- orchestration (landing, reference, zones, sealing) and read by one staging model each.
-- Instants are UTC. A surrogate (content_id, conversation_copy_id) never reaches a result.
create schema if not exists raw;

-- One row per path now in landing.
create table if not exists raw.landing_files (
    path varchar not null primary key,      -- inside the landing folder, with forward slashes
    feed varchar not null,                  -- folder: messaging_interactions, function_invocations, ...
    sha256 varchar not null,
    size_bytes bigint not null,
    mtime_ns bigint not null,               -- with the size: how an unchanged file is recognised
    content_id bigint not null
);

-- One row per distinct content (feed, format, SHA-256); parsed once, however many paths carry it.
create table if not exists raw.landing_contents (
    content_id bigint not null primary key,
    feed varchar not null,
    format varchar not null,                -- json, jsonl or csv with its compression: jsonl, jsonl.gz, json.zst, ...
    sha256 varchar not null,
    size_bytes bigint not null,
    records bigint not null,                -- every record found in it: loaded + rejected
    rejects bigint not null,                -- rows of raw.rejected_records
    first_instant_at timestamptz,           -- earliest and latest instant of its events, implausible ones left out
    last_instant_at timestamptz,
    loader_version varchar not null
);

-- One row per conversation record of a content (a copy of a conversation).
create table if not exists raw.conversations (
    content_id bigint not null,
    conversation_copy_id bigint not null,   -- content_id * 2^24 + ordinal of the record in the content
    record_index bigint not null,           -- .jsonl: line, from 1; .json page: index in conversationHistoryRecords, from 1
    site_id varchar not null,
    conversation_id varchar not null,
    source varchar,                         -- info.source; null when missing
    status varchar,
    started_at timestamptz,
    ended_at timestamptz,                   -- null while open
    is_partial boolean,
    has_repeated_message_ids boolean not null  -- two messages of this copy carry the same id
);

-- One row per conversation of a content that is no longer in landing: what was built from it must be built again.
create table if not exists raw.removed_conversations (
    content_id bigint not null,
    site_id varchar not null,
    conversation_id varchar not null
);

-- One row per message of a conversation copy, which has its conversation_id and its record_index.
create table if not exists raw.messages (
    content_id bigint not null,
    conversation_copy_id bigint not null,
    message_index integer not null,         -- place in messageRecords, from 1
    site_id varchar not null,
    message_id varchar not null,
    participant_id varchar,                 -- consumer ids under LEDGER_PSEUDONYM_KEY: HMAC-SHA256, hex
    sent_at timestamptz,                    -- timeL, else time; null when neither is usable
    sender_side varchar,                    -- consumer, agent; null for anything else
    audience varchar,
    message_source varchar                  -- messageRecords[].source, only where info.source is missing
);
alter table raw.messages drop column if exists record_index;
alter table raw.messages drop column if exists conversation_id;

-- One row per agent listing of a conversation copy whose kind is known.
create table if not exists raw.agent_participants (
    content_id bigint not null,
    conversation_copy_id bigint not null,
    agent_id varchar not null,
    user_type tinyint not null,             -- 0 system, 1 human, 2 bot (userType, else from userTypeName)
    listed_at timestamptz
);
alter table raw.agent_participants drop column if exists site_id;
alter table raw.agent_participants drop column if exists conversation_id;

-- One row per consumer listing of a conversation copy.
create table if not exists raw.consumer_participants (
    content_id bigint not null,
    conversation_copy_id bigint not null,
    participant_id varchar not null,
    listed_at timestamptz
);
alter table raw.consumer_participants drop column if exists site_id;
alter table raw.consumer_participants drop column if exists conversation_id;

-- One row per Co-Browse session of a conversation copy.
create table if not exists raw.cobrowse_sessions (
    content_id bigint not null,
    conversation_copy_id bigint not null,
    record_index bigint not null,
    session_index integer not null,
    site_id varchar not null,
    conversation_id varchar not null,
    session_id varchar not null,
    started_at timestamptz,
    interactive_at timestamptz,             -- interactiveTimeL, else its text twin; null when missing, 0 or -1
    is_interactive boolean not null         -- isInteractive or interactive is true
);

-- One row per response page (.json) of the Messaging Interactions API.
create table if not exists raw.pages (
    content_id bigint not null,
    search_key varchar,                     -- SHA-256 of the search's address without its offset; null when not stated
    search_count bigint,                    -- _metadata.count: records that the whole search has
    page_records bigint not null,           -- records in this page
    is_partial_result boolean not null,
    site_id varchar                         -- the account in the search's address; null when not stated
);
alter table raw.pages add column if not exists site_id varchar;

-- One row per invocation record.
create table if not exists raw.function_invocations (
    content_id bigint not null,
    record_index bigint not null,
    site_id varchar not null,
    function_id varchar,
    invocation_id varchar not null,
    invoked_at timestamptz,
    trigger varchar,
    state varchar,
    invocation_count bigint,                -- null: not stated, or not a whole number
    is_count_stated boolean not null        -- count was there, usable or not
);

-- One row per platform user of a snapshot.
create table if not exists raw.platform_users (
    content_id bigint not null,
    record_index bigint not null,           -- line of the snapshot in a .jsonl, 1 in a .json
    user_index integer not null,
    site_id varchar not null,
    snapshot_at timestamptz,
    user_id varchar not null,
    user_type tinyint,                      -- userTypeId: 1 human, 2 bot; null when unknown
    is_enabled boolean,
    is_deleted boolean
);

-- One row per snapshot, so that one without users is known too.
create table if not exists raw.platform_user_snapshots (
    content_id bigint not null,
    record_index bigint not null,
    site_id varchar not null,
    snapshot_at timestamptz
);

-- One row per event of a support case.
create table if not exists raw.support_case_events (
    content_id bigint not null,
    record_index bigint not null,
    site_id varchar not null,
    case_id varchar not null,
    opened_by varchar,
    severity varchar,
    channel varchar,
    event varchar,
    occurred_at timestamptz,
    scope varchar,
    incident_id varchar
);

-- One row per record that could not be parsed or keyed, and per refused reference row.
create table if not exists raw.rejected_records (
    content_id bigint not null,
    record_index bigint,                    -- line (.jsonl, .csv) or index in the page; null: the whole file
    item_index integer,                     -- place of the message, session or user in its record; null: the record itself
    record_kind varchar not null,           -- file, page, line, conversation, message, cobrowse_session, invocation, snapshot, user, case_event, row
    reason varchar not null,                -- a word: broken_json, missing_conversation_id, ...
    detail varchar,                         -- what to do, in a sentence without content
    record_hash varchar not null            -- SHA-256 of the record as it stands in the file
);

-- The reference rows in force (the lexicographically last file of each kind), checked on load.
create table if not exists raw.accounts (
    content_id bigint not null, record_index bigint not null,
    account_id varchar not null, account_name varchar, currency_code varchar not null
);
create table if not exists raw.sites (
    content_id bigint not null, record_index bigint not null,
    site_id varchar not null, account_id varchar not null, time_zone varchar not null,
    listening_enabled boolean not null, effective_at timestamptz not null
);
create table if not exists raw.contracts (
    content_id bigint not null, record_index bigint not null,
    contract_id varchar not null, account_id varchar not null, rate_plan_id varchar not null,
    starts_on date not null, ends_on date, functions_over_cap varchar not null,
    purchase_order varchar, payment_terms_days integer
);
create table if not exists raw.credits (
    content_id bigint not null, record_index bigint not null,
    credit_id varchar not null, contract_id varchar not null, usage_period date not null,
    amount decimal(18, 4) not null, currency_code varchar not null, reason varchar, approved_by varchar not null
);

-- The zones' offsets from UTC, from the pinned tzdata: one row per zone and stretch of one offset.
create table if not exists raw.zone_offsets (
    time_zone varchar not null,
    valid_from timestamptz not null,
    valid_to timestamptz not null,          -- excluded
    utc_offset_seconds integer not null,
    tzdata_version varchar not null
);

-- Under which LEDGER_PSEUDONYM_KEY the consumer ids were stored: no row without a key.
create table if not exists raw.pseudonym_key (
    fingerprint varchar not null            -- HMAC-SHA256 of a fixed word under the key
);

-- The one clock of a run, and what it was asked for: one row.
create table if not exists raw.run_settings (
    as_of timestamptz not null,
    period date not null,
    tzdata_version varchar not null
);

-- What the seals hold (SPEC C1), read back at the start of every run: one set of rows per sealed period.
create table if not exists raw.seals (
    seal_period date not null,
    seal_hash varchar not null,
    previous_hash varchar,
    first_billed_period date not null,
    tzdata_version varchar not null,
    closed_by varchar                       -- from closed.json: who closed it, outside the chain
);
create table if not exists raw.sealed_inputs (
    seal_period date not null, path varchar not null, sha256 varchar not null,
    first_instant_at timestamptz, last_instant_at timestamptz
);
-- The DARs of the seals of which a file was given other content: none where all files are as they were sealed.
create table if not exists raw.sealed_relationships (
    seal_period date not null, site_id varchar not null, relationship_id varchar not null, activity_date date not null
);
create table if not exists raw.sealed_held_contracts (
    seal_period date not null, contract_id varchar not null, check_name varchar not null, quantity decimal(18, 6) not null
);
create table if not exists raw.sealed_accounts (
    seal_period date not null, account_id varchar not null, account_name varchar, currency_code varchar not null
);
create table if not exists raw.sealed_sites (
    seal_period date not null, site_id varchar not null, account_id varchar not null, time_zone varchar not null,
    listening_enabled boolean not null, effective_at timestamptz not null
);
create table if not exists raw.sealed_contracts (
    seal_period date not null, usage_period date not null, contract_id varchar not null, account_id varchar not null, rate_plan_id varchar not null,
    starts_on date not null, ends_on date, functions_over_cap varchar not null,
    purchase_order varchar, payment_terms_days integer
);
create table if not exists raw.sealed_rate_plans (
    seal_period date not null, rate_plan_id varchar not null, rate_plan_name varchar, currency_code varchar not null,
    platform_user_limit integer, listening_grain varchar not null, stub_allowance varchar not null
);
create table if not exists raw.sealed_rate_plan_charges (
    seal_period date not null, rate_plan_id varchar not null, charge_id varchar not null, meter varchar not null,
    charge_model varchar not null, included_quantity decimal(18, 6), block_size decimal(18, 6),
    credits_per_block decimal(18, 6), price_per_block decimal(24, 9), rounding varchar,
    minimum_amount decimal(24, 9), maximum_amount decimal(24, 9), price_basis varchar,
    effective_from date not null, effective_to date, description varchar
);
create table if not exists raw.sealed_rate_plan_tiers (
    seal_period date not null, charge_id varchar not null, tier_from decimal(18, 6) not null, tier_to decimal(18, 6),
    unit_price decimal(24, 9), flat_price decimal(24, 9), effective_from date not null, effective_to date
);
create table if not exists raw.sealed_rate_plan_channels (
    seal_period date not null, rate_plan_id varchar not null, channel varchar not null
);
create table if not exists raw.sealed_channels (
    seal_period date not null, source varchar not null, channel varchar not null
);
create table if not exists raw.sealed_activity_rules (
    seal_period date not null, sender_kind varchar not null, counts boolean not null
);
create table if not exists raw.sealed_trigger_rules (
    seal_period date not null, trigger varchar not null, counts boolean not null
);
create table if not exists raw.sealed_message_audiences (
    seal_period date not null, audience varchar not null, reaches_consumer boolean not null
);
create table if not exists raw.sealed_currencies (
    seal_period date not null, currency_code varchar not null, minor_units integer not null
);
create table if not exists raw.sealed_withdrawals (
    seal_period date not null, path varchar not null
);
create table if not exists raw.sealed_repricing (
    seal_period date not null, usage_period date not null
);
create table if not exists raw.sealed_daily_usage (
    seal_period date not null, site_id varchar not null, contract_id varchar, meter varchar not null,
    activity_date date not null, is_channel_mapped boolean not null, quantity decimal(18, 6) not null
);
create table if not exists raw.sealed_invoice_lines (
    seal_period date not null, invoice_line_id varchar not null, invoice_id varchar not null, account_id varchar not null,
    contract_id varchar not null, billing_period date not null, usage_period date, usage_from date, usage_to date,
    line_kind varchar not null, charge_id varchar, meter varchar, description varchar, quantity decimal(18, 6),
    included_quantity decimal(18, 6), billable_quantity decimal(18, 6), block_size decimal(18, 6), rounding varchar,
    blocks decimal(18, 6), credits decimal(18, 6), unit_price decimal(24, 9), price_basis varchar,
    amount decimal(18, 4) not null, currency_code varchar not null, billed_before_quantity decimal(18, 6),
    billed_before_amount decimal(18, 4), reasons varchar, charge_model varchar, terms_id varchar, credit_id varchar
);
create table if not exists raw.sealed_invoice_line_tiers (
    seal_period date not null, invoice_line_id varchar not null, tier_from decimal(18, 6) not null, tier_to decimal(18, 6),
    quantity decimal(18, 6) not null, unit_price decimal(24, 9), flat_price decimal(24, 9), amount decimal(38, 15) not null
);
create table if not exists raw.sealed_invoice_line_terms (
    seal_period date not null, invoice_line_id varchar not null, part_number integer not null, part_from date, part_to date,
    terms_id varchar, rate_plan_id varchar, charge_id varchar, meter varchar, charge_model varchar, price_basis varchar,
    description varchar, stated_included_quantity decimal(18, 6), stub_days integer, stub_of_days integer,
    included_quantity decimal(18, 6), block_size decimal(18, 6), rounding varchar, credits_per_block decimal(18, 6),
    unit_price decimal(24, 9), minimum_amount decimal(24, 9), maximum_amount decimal(24, 9), is_suspended boolean,
    quantity_before decimal(18, 6), quantity decimal(18, 6), billable_before decimal(18, 6), billable_quantity decimal(18, 6),
    blocks decimal(18, 6), credits decimal(18, 6), cost_arithmetic varchar, cost decimal(38, 9),
    amount_arithmetic varchar not null, amount decimal(18, 4) not null, currency_code varchar, minor_units integer
);
create table if not exists raw.sealed_invoice_line_sites (
    seal_period date not null, invoice_line_id varchar not null, site_id varchar not null,
    quantity decimal(18, 6), amount decimal(18, 4) not null
);
create table if not exists raw.sealed_usage_to_date (
    seal_period date not null, contract_id varchar not null, meter varchar not null, period date not null,
    as_of timestamptz, quantity decimal(18, 6), included_quantity decimal(18, 6), used_fraction decimal(18, 6),
    projected_quantity decimal(18, 6), projected_amount decimal(18, 4), alert_level varchar not null
);
create table if not exists raw.sealed_invoices (
    seal_period date not null, invoice_id varchar not null, document_type varchar not null, document_number varchar,
    account_id varchar not null, contract_id varchar not null, billing_period date not null, issue_date date, due_date date,
    service_from date, service_to date, purchase_order varchar, lines bigint not null, amount decimal(18, 4) not null,
    currency_code varchar not null
);
