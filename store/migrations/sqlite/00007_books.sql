-- Grants, corrections of purchases, payments of another amount than ordered,
-- cases as people settle them, and what each reconciliation found.
-- +goose Up

-- A batch grants to a person once; the transfer is claimed like a top-up.
CREATE TABLE subsidies (
    batch       TEXT   NOT NULL,
    person_id   BIGINT NOT NULL REFERENCES people (id),
    transfer_id TEXT   NOT NULL UNIQUE REFERENCES transfers (id),
    PRIMARY KEY (batch, person_id)
);

-- A purchase is corrected once. The money waits for the holder like a top-up:
-- the chip paid it, and only a terminal can give it back to the chip.
CREATE TABLE corrections (
    terminal_id TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    transfer_id TEXT   NOT NULL UNIQUE REFERENCES transfers (id),
    card_id     BIGINT NOT NULL REFERENCES campus_cards (id),
    merchant_id BIGINT NOT NULL REFERENCES merchants (id),
    amount_fen  BIGINT NOT NULL CHECK (amount_fen > 0),
    note        TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (terminal_id, seq)
);
CREATE INDEX corrections_by_card ON corrections (card_id, at);
-- +goose StatementBegin
CREATE TRIGGER corrections_no_update BEFORE UPDATE ON corrections
BEGIN
    SELECT RAISE(ABORT, 'corrections is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER corrections_no_delete BEFORE DELETE ON corrections
BEGIN
    SELECT RAISE(ABORT, 'corrections is append-only');
END;
-- +goose StatementEnd

ALTER TABLE attempts ADD COLUMN paid_fen BIGINT CHECK (paid_fen > 0); -- what was paid, where it is not what was ordered

ALTER TABLE cases ADD COLUMN how  TEXT NOT NULL DEFAULT '';           -- empty: it settled itself
ALTER TABLE cases ADD COLUMN note TEXT NOT NULL DEFAULT '';
CREATE INDEX cases_open ON cases (at) WHERE settled_at IS NULL;

CREATE TABLE reconciliations (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    day         TEXT    NOT NULL,                    -- WeChat Pay's, YYYY-MM-DD in Beijing
    daily       BOOLEAN NOT NULL,                    -- by the daily task; otherwise somebody ran the command
    ended_at    BIGINT  NOT NULL,
    differences BIGINT  NOT NULL,
    report      TEXT    NOT NULL                     -- JSON
);
CREATE UNIQUE INDEX reconciliations_daily ON reconciliations (day) WHERE daily;
CREATE INDEX reconciliations_by_day ON reconciliations (day, ended_at);

-- +goose Down
DROP TABLE reconciliations;
DROP INDEX cases_open;
ALTER TABLE cases DROP COLUMN note;
ALTER TABLE cases DROP COLUMN how;
ALTER TABLE attempts DROP COLUMN paid_fen;
DROP TABLE corrections;
DROP TABLE subsidies;
