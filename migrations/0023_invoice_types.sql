-- Invoices of one type, for the list: adjustments and credit invoices are few among many that are neither.

CREATE INDEX invoices_by_type ON invoices (account_id, type, created_at_ms DESC, invoice_id DESC, status);

DROP INDEX invoices_by_customer;
CREATE INDEX invoices_by_customer ON invoices (account_id, customer_id, created_at_ms DESC, invoice_id DESC, status, type);
