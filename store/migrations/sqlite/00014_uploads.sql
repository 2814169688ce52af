-- What each card spent in each month, by the name it is read by; the embedded
-- database needs no other table for it.
-- +goose Up
CREATE VIEW card_months AS SELECT card_id, month, spent_fen FROM month_totals;
CREATE INDEX people_told_low ON people (id, low_balance_fen) WHERE low_balance_fen > 0;

-- +goose Down
DROP INDEX people_told_low;
DROP VIEW card_months;
