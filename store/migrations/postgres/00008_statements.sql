-- What each card spent in each month, so that a statement costs the same
-- however long the history is, and the rare postings that correct a card.
-- +goose Up

CREATE TABLE month_totals (
    card_id   BIGINT NOT NULL,
    month     BIGINT NOT NULL,                       -- YYYYMM of the purchases, in the campus's zone
    spent_fen BIGINT NOT NULL,
    PRIMARY KEY (card_id, month)
) WITH (fillfactor = 80);

-- What came before was taken in Beijing time.
INSERT INTO month_totals (card_id, month, spent_fen)
    SELECT card_id, CAST(to_char(to_timestamp(occurred_at / 1000000 + 28800) AT TIME ZONE 'UTC', 'YYYYMM') AS BIGINT), SUM(amount_fen)
    FROM consumptions GROUP BY 1, 2;

CREATE INDEX postings_raise_card ON postings (credit_owner, at) WHERE credit_kind = 'float' AND debit_kind NOT IN ('inflight', 'opening');
CREATE INDEX postings_lower_card ON postings (debit_owner, at) WHERE debit_kind = 'float';

-- +goose Down
DROP INDEX postings_lower_card;
DROP INDEX postings_raise_card;
DROP TABLE month_totals;
