-- Purchases as tills report them.
-- +goose Up

CREATE TABLE merchants (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE
);

-- A purchase is its own posting: float of the card → merchant. It is never
-- changed or deleted either.
CREATE TABLE consumptions (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    terminal_id TEXT    NOT NULL,
    seq         BIGINT  NOT NULL,                    -- the terminal's own count
    card_id     BIGINT  NOT NULL,
    merchant_id BIGINT  NOT NULL,
    amount_fen  BIGINT  NOT NULL CHECK (amount_fen > 0),
    load_seq    BIGINT  NOT NULL,                    -- the chip after the purchase
    spend_seq   BIGINT  NOT NULL,
    balance_fen BIGINT  NOT NULL,
    occurred_at BIGINT  NOT NULL,
    received_at BIGINT  NOT NULL,
    booked_on   BIGINT  NOT NULL,                    -- accounting day, YYYYMMDD
    late        BOOLEAN NOT NULL,                    -- booked on a later day than it happened
    after_loss  BOOLEAN NOT NULL                     -- made after the card was reported lost
);
CREATE UNIQUE INDEX consumptions_identity ON consumptions (terminal_id, seq);
CREATE UNIQUE INDEX consumptions_of_card ON consumptions (card_id, spend_seq);
CREATE INDEX consumptions_by_time ON consumptions (card_id, occurred_at);

-- Records that were not booked, kept so that a person can look and the
-- terminal may forget them.
CREATE TABLE rejections (
    terminal_id TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    code        TEXT   NOT NULL,
    card_no     TEXT   NOT NULL,
    record      TEXT   NOT NULL,                     -- as it came, JSON
    at          BIGINT NOT NULL,
    PRIMARY KEY (terminal_id, seq, code, record)
);

ALTER TABLE terminals ADD COLUMN first_seq BIGINT;   -- lowest record ever sent
ALTER TABLE terminals ADD COLUMN acked_seq BIGINT NOT NULL DEFAULT 0;
-- +goose StatementBegin
CREATE TRIGGER consumptions_no_update BEFORE UPDATE ON consumptions
BEGIN
    SELECT RAISE(ABORT, 'consumptions is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER consumptions_no_delete BEFORE DELETE ON consumptions
BEGIN
    SELECT RAISE(ABORT, 'consumptions is append-only');
END;
-- +goose StatementEnd

-- +goose Down
ALTER TABLE terminals DROP COLUMN acked_seq;
ALTER TABLE terminals DROP COLUMN first_seq;
DROP TABLE rejections;
DROP TABLE consumptions;
DROP TABLE merchants;
