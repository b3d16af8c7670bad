{# SPEC 5: what a person can do about a record that SQL rejects. Its site, ids and instants are not repeated. #}
{% macro remedy_of(reason) -%}
    case {{ reason }}
        when 'unknown_site'
            then 'No row of sites*.csv in landing/reference knows the site: add one, and the record comes in at the next run.'
        when 'no_instant'
            then 'The record states no usable instant: deliver it again with its time in epoch milliseconds.'
        when 'implausible_instant'
            then 'The instant lies before this century or more than a day after the run: deliver the record again in epoch milliseconds, not seconds.'
        when 'unknown_sender'
            then 'sentBy is neither Consumer nor Agent: deliver the conversation again.'
        when 'no_consumer'
            then 'No copy of the conversation names a consumer: deliver an export that lists one, and the message comes in at the next run.'
        when 'invalid_count'
            then 'count is below 1 or not a whole number: deliver the invocation again.'
        when 'unknown_event'
            then 'No row of support_events.csv knows the event: add one, or deliver the event again.'
        when 'unknown_opener'
            then 'No row of support_openers.csv knows openedBy: add one, or deliver the event again.'
        when 'unknown_severity'
            then 'No row of support_severities.csv knows the severity: add one, or deliver the event again.'
        when 'unknown_scope'
            then 'No row of support_scopes.csv knows the scope: add one, or deliver the event again.'
        when 'no_severity'
            then 'An opening or a change of severity states no severity: deliver the event again.'
        when 'no_scope'
            then 'A change of scope states no scope: deliver the event again.'
    end
{%- endmacro %}
