{{ rules_of_periods(ref('trigger_rules'), ref('stg_sealed__trigger_rules'), 'trigger', 'counts') }}
