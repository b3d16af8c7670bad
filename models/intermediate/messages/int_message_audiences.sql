{{ rules_of_periods(ref('message_audiences'), ref('stg_sealed__message_audiences'), 'audience', 'reaches_consumer') }}
