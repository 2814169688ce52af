-- Purchases of a month are found by the card's own counter, between the lowest
-- and the highest that the month has: one index less to write with each.
-- +goose Up

-- Nobody's month is wider than this; it is right for a month of which less is known.
ALTER TABLE month_totals
    ADD COLUMN low_seq  BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN high_seq BIGINT NOT NULL DEFAULT 9223372036854775807;
ALTER TABLE campus_cards
    DROP COLUMN closed_month, DROP COLUMN closed_fen,
    ADD COLUMN month_low  BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN month_high BIGINT NOT NULL DEFAULT 0; -- of any month up to it: it never falls

-- Whatever the campus's zone is, its month is one of these two.
CREATE TEMPORARY TABLE seen AS
    SELECT card_id, CAST(to_char(to_timestamp(occurred_at / 1000000 + shift) AT TIME ZONE 'UTC', 'YYYYMM') AS BIGINT) AS month,
        MIN(spend_seq) AS low_seq, MAX(spend_seq) AS high_seq
    FROM consumptions, (VALUES (-12 * 3600), (14 * 3600)) AS zones (shift) GROUP BY 1, 2;
UPDATE month_totals AS m SET low_seq = s.low_seq, high_seq = s.high_seq FROM seen s WHERE s.card_id = m.card_id AND s.month = m.month;
UPDATE campus_cards AS c SET month_low = s.low_seq FROM seen s WHERE s.card_id = c.id AND s.month = c.month;
UPDATE campus_cards AS c SET month_high = h.high_seq
    FROM (SELECT card_id, MAX(high_seq) AS high_seq FROM seen GROUP BY card_id) AS h WHERE h.card_id = c.id;
DROP TABLE seen;

CREATE OR REPLACE VIEW card_months AS
    SELECT card_id, month, spent_fen, low_seq, high_seq FROM month_totals
    UNION ALL SELECT id, month, month_fen, month_low, month_high FROM campus_cards WHERE month > 0;

-- A month that closes goes from the card to the totals.
-- +goose StatementBegin
CREATE FUNCTION close_month() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO month_totals AS m (card_id, month, spent_fen, low_seq, high_seq)
        VALUES (OLD.id, OLD.month, OLD.month_fen, OLD.month_low, OLD.month_high)
        ON CONFLICT (card_id, month) DO UPDATE SET spent_fen = m.spent_fen + excluded.spent_fen,
            low_seq = LEAST(m.low_seq, excluded.low_seq), high_seq = GREATEST(m.high_seq, excluded.high_seq);
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER campus_cards_close_month AFTER UPDATE OF month ON campus_cards
    FOR EACH ROW WHEN (OLD.month < NEW.month AND OLD.month > 0) EXECUTE FUNCTION close_month();

DROP INDEX consumptions_by_time;
CREATE INDEX consumptions_after_loss ON consumptions (card_id, occurred_at) WHERE after_loss;

-- +goose Down
DROP TRIGGER campus_cards_close_month ON campus_cards;
DROP FUNCTION close_month();
DROP INDEX consumptions_after_loss;
CREATE INDEX consumptions_by_time ON consumptions (card_id, occurred_at);
DROP VIEW card_months;
CREATE VIEW card_months AS
    SELECT card_id, month, spent_fen FROM month_totals
    UNION ALL SELECT id, month, month_fen FROM campus_cards WHERE month > 0;
ALTER TABLE campus_cards DROP COLUMN month_high, DROP COLUMN month_low,
    ADD COLUMN closed_month BIGINT NOT NULL DEFAULT 0, ADD COLUMN closed_fen BIGINT NOT NULL DEFAULT 0;
ALTER TABLE month_totals DROP COLUMN high_seq, DROP COLUMN low_seq;
