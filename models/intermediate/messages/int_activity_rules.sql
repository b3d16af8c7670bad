{{ rules_of_periods(ref('activity_rules'), ref('stg_sealed__activity_rules'), 'sender_kind', 'counts') }}
