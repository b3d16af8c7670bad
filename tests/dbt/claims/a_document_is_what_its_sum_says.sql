-- SPEC section 7: invoice above zero, credit note below, statement at zero; only final invoices and credit notes have
-- a number.
select *
from {{ ref('fct_invoices') }}
where document_type <> case when amount > 0 then 'invoice' when amount < 0 then 'credit_note' else 'statement' end
    or (document_number is not null) <> (status = 'final' and document_type <> 'statement')
