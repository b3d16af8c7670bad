"""What people read of a period: the report for finance, a statement for each account, the workbook.

Everything is made from the books of one period (`orchestration.books`): of a closed one from its seal alone.
No wall clock and no network: the same books give the same bytes.
"""
