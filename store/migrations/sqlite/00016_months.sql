-- Purchases of a month are found by the card's own counter, between the lowest
-- and the highest that the month has: one index less to write with each.
-- +goose Up

-- Nobody's month is wider than this; it is right for a month of which less is known.
ALTER TABLE month_totals ADD COLUMN low_seq  BIGINT NOT NULL DEFAULT 0;
ALTER TABLE month_totals ADD COLUMN high_seq BIGINT NOT NULL DEFAULT 9223372036854775807;

-- Whatever the campus's zone is, its month is one of these two.
CREATE TEMPORARY TABLE seen AS
    SELECT card_id, CAST(strftime('%Y%m', occurred_at / 1000000 + shift, 'unixepoch') AS BIGINT) AS month,
        MIN(spend_seq) AS low_seq, MAX(spend_seq) AS high_seq
    FROM consumptions, (SELECT -12 * 3600 AS shift UNION ALL SELECT 14 * 3600) AS zones GROUP BY 1, 2;
UPDATE month_totals SET low_seq = s.low_seq, high_seq = s.high_seq FROM seen s WHERE s.card_id = month_totals.card_id AND s.month = month_totals.month;
DROP TABLE seen;

DROP VIEW card_months;
CREATE VIEW card_months AS SELECT card_id, month, spent_fen, low_seq, high_seq FROM month_totals;

DROP INDEX consumptions_by_time;
CREATE INDEX consumptions_after_loss ON consumptions (card_id, occurred_at) WHERE after_loss;

-- +goose Down
DROP INDEX consumptions_after_loss;
CREATE INDEX consumptions_by_time ON consumptions (card_id, occurred_at);
DROP VIEW card_months;
ALTER TABLE month_totals DROP COLUMN high_seq;
ALTER TABLE month_totals DROP COLUMN low_seq;
CREATE VIEW card_months AS SELECT card_id, month, spent_fen FROM month_totals;
