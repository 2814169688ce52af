-- The base schema. All times are microseconds since 1970-01-01 UTC, all money is fen.
-- +goose Up

CREATE TABLE people (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    student_no      TEXT   NOT NULL UNIQUE,
    name            TEXT   NOT NULL,
    email           TEXT   NOT NULL DEFAULT '',
    phone           TEXT   NOT NULL DEFAULT '',
    type            TEXT   NOT NULL DEFAULT '',
    department      TEXT   NOT NULL DEFAULT '',
    user_id         TEXT   NOT NULL UNIQUE,          -- WeCom userid, lower case
    open_id         TEXT   NOT NULL DEFAULT '',
    verified_at     BIGINT,
    bound_at        BIGINT,
    lang            TEXT   NOT NULL DEFAULT '',
    message_style   TEXT   NOT NULL DEFAULT 'card',
    low_balance_fen BIGINT NOT NULL DEFAULT 0 CHECK (low_balance_fen >= 0),
    created_at      BIGINT NOT NULL
);

CREATE TABLE push_mutes (
    person_id BIGINT NOT NULL REFERENCES people (id),
    kind      TEXT   NOT NULL,
    PRIMARY KEY (person_id, kind)
);

CREATE TABLE campus_cards (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    card_no          TEXT   NOT NULL UNIQUE,
    person_id        BIGINT NOT NULL REFERENCES people (id),
    status           TEXT   NOT NULL CHECK (status IN ('normal', 'lost', 'frozen', 'closed')),
    opening_fen      BIGINT NOT NULL,
    balance_fen      BIGINT NOT NULL,                -- the books': equals the postings of its float account
    chip_load_seq    BIGINT,                         -- newest counters seen; null until a reader saw the card
    chip_spend_seq   BIGINT,
    chip_balance_fen BIGINT,
    first_spend_seq  BIGINT,                         -- counter of purchases when first seen
    records          BIGINT NOT NULL DEFAULT 0,      -- purchases received with a counter above it
    as_of            BIGINT,                         -- newest record or chip seen
    created_at       BIGINT NOT NULL
);
CREATE UNIQUE INDEX campus_cards_in_use ON campus_cards (person_id) WHERE status <> 'closed';

CREATE TABLE passwords (
    person_id    BIGINT  NOT NULL PRIMARY KEY REFERENCES people (id),
    hash         TEXT    NOT NULL,                   -- empty while the initial one serves
    initial      BOOLEAN NOT NULL,
    fails        BIGINT  NOT NULL DEFAULT 0,         -- wrong tries in a row, counted before hashing
    locked_until BIGINT  NOT NULL DEFAULT 0,
    changed_at   BIGINT  NOT NULL
);

CREATE TABLE codes (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    person_id    BIGINT NOT NULL REFERENCES people (id),
    purpose      TEXT   NOT NULL,
    channel      TEXT   NOT NULL,
    address_hash BLOB NOT NULL,
    code_hash    BLOB NOT NULL,
    issued_at    BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    tries        BIGINT NOT NULL DEFAULT 0,
    ended_at     BIGINT                              -- used, burnt, or voided by a newer one
);
CREATE INDEX codes_by_person ON codes (person_id, issued_at);
CREATE INDEX codes_by_address ON codes (address_hash, issued_at);

CREATE TABLE orders (
    out_trade_no TEXT   NOT NULL PRIMARY KEY,
    person_id    BIGINT NOT NULL REFERENCES people (id),
    card_id      BIGINT NOT NULL REFERENCES campus_cards (id),
    amount_fen   BIGINT NOT NULL CHECK (amount_fen > 0 AND amount_fen <= 1000000000),
    state        TEXT   NOT NULL CHECK (state IN ('created', 'paid', 'closed', 'refunded')),
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    paid_at      BIGINT
);
CREATE INDEX orders_by_person ON orders (person_id, created_at);
CREATE INDEX orders_open ON orders (expires_at) WHERE state = 'created';

CREATE TABLE attempts (
    out_trade_no      TEXT   NOT NULL PRIMARY KEY,
    order_no          TEXT   NOT NULL REFERENCES orders (out_trade_no),
    n                 BIGINT NOT NULL,
    person_id         BIGINT NOT NULL,
    amount_fen        BIGINT NOT NULL CHECK (amount_fen > 0),
    channel           TEXT   NOT NULL CHECK (channel IN ('jsapi', 'native')),
    app_id            TEXT   NOT NULL,
    open_id           TEXT   NOT NULL DEFAULT '',
    description       TEXT   NOT NULL,
    state             TEXT   NOT NULL CHECK (state IN ('created', 'open', 'closing', 'closed', 'paid', 'refunded')),
    prepay_id         TEXT   NOT NULL DEFAULT '',
    code_url          TEXT   NOT NULL DEFAULT '',
    prepaid_at        BIGINT,
    created_at        BIGINT NOT NULL,
    expires_at        BIGINT NOT NULL,
    wx_transaction_id TEXT   UNIQUE,
    UNIQUE (order_no, n)
);
CREATE INDEX attempts_unsettled ON attempts (created_at) WHERE state IN ('created', 'open', 'closing');

CREATE TABLE transfers (
    id          TEXT   NOT NULL PRIMARY KEY,
    person_id   BIGINT NOT NULL REFERENCES people (id),
    kind        TEXT   NOT NULL,
    source_ref  TEXT   NOT NULL UNIQUE,              -- the one payment or grant it came from
    title       TEXT   NOT NULL,
    amount_fen  BIGINT NOT NULL CHECK (amount_fen > 0),
    state       TEXT   NOT NULL CHECK (state IN ('pending', 'in_flight', 'claimed', 'refunding', 'refunded')),
    claim_id    TEXT,                                -- the claim that holds or took it
    terminal_id TEXT   NOT NULL DEFAULT '',
    created_at  BIGINT NOT NULL,
    claimed_at  BIGINT,
    refunded_at BIGINT,
    CHECK ((claim_id IS NOT NULL) = (state IN ('in_flight', 'claimed')))
);
CREATE INDEX transfers_by_person ON transfers (person_id, created_at);
CREATE INDEX transfers_unclaimed ON transfers (person_id, created_at) WHERE state IN ('pending', 'in_flight', 'refunding');
CREATE INDEX transfers_by_claim ON transfers (claim_id) WHERE claim_id IS NOT NULL;

CREATE TABLE terminals (
    id            TEXT   NOT NULL PRIMARY KEY,
    kind          TEXT   NOT NULL CHECK (kind IN ('kiosk', 'pos')),
    location      TEXT   NOT NULL,
    merchant      TEXT   NOT NULL DEFAULT '',
    sealed_secret BLOB NOT NULL,
    created_at    BIGINT NOT NULL,
    disabled_at   BIGINT,
    seen_at       BIGINT
);

CREATE TABLE nonces (
    terminal_id TEXT   NOT NULL,
    nonce       TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (terminal_id, nonce)
);
CREATE INDEX nonces_by_age ON nonces (at);

CREATE TABLE claims (
    id              TEXT   NOT NULL PRIMARY KEY,
    card_id         BIGINT NOT NULL REFERENCES campus_cards (id),
    person_id       BIGINT NOT NULL,
    terminal_id     TEXT   NOT NULL REFERENCES terminals (id),
    idempotency_key TEXT   NOT NULL,
    body_hash       BLOB NOT NULL,
    amount_fen      BIGINT NOT NULL CHECK (amount_fen > 0),
    load_seq        BIGINT NOT NULL,                 -- the chip it was given for
    spend_seq       BIGINT NOT NULL,
    balance_fen     BIGINT NOT NULL,
    state           TEXT   NOT NULL CHECK (state IN ('open', 'claimed', 'released')),
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    held_at         BIGINT,                          -- an impossible chip was seen: only a proven write ends it by itself
    ended_at        BIGINT,
    evidence        TEXT   NOT NULL DEFAULT '',      -- what settled it: confirm, cancel, seen at …
    UNIQUE (terminal_id, idempotency_key)
);
CREATE INDEX claims_of_card ON claims (card_id, ended_at) WHERE state = 'claimed';
-- At most one open authorisation a card: the whole of exactly-once loading rests on it.
CREATE UNIQUE INDEX claims_open ON claims (card_id) WHERE state = 'open';

CREATE TABLE claim_transfers (
    claim_id    TEXT NOT NULL REFERENCES claims (id),
    transfer_id TEXT NOT NULL REFERENCES transfers (id),
    PRIMARY KEY (claim_id, transfer_id)
);

CREATE TABLE postings (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    ref          TEXT   NOT NULL UNIQUE,             -- at most once, for ever
    debit_kind   TEXT   NOT NULL,
    debit_owner  BIGINT NOT NULL,
    credit_kind  TEXT   NOT NULL,
    credit_owner BIGINT NOT NULL,
    amount_fen   BIGINT NOT NULL CHECK (amount_fen > 0),
    at           BIGINT NOT NULL,
    CHECK (debit_kind <> credit_kind OR debit_owner <> credit_owner)
);

CREATE TABLE cases (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT   NOT NULL,
    ref        TEXT   NOT NULL,
    card_no    TEXT   NOT NULL DEFAULT '',
    detail     TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    settled_at BIGINT,
    UNIQUE (kind, ref)
);

CREATE TABLE sessions (
    token_hash BLOB NOT NULL PRIMARY KEY,
    user_id    TEXT   NOT NULL,
    person_id  BIGINT NOT NULL,                      -- 0 = the userid is not on record
    csrf       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_person ON sessions (person_id);
CREATE INDEX sessions_by_age ON sessions (expires_at);

CREATE TABLE tasks (
    id         TEXT   NOT NULL PRIMARY KEY,
    user_id    TEXT   NOT NULL,
    agent_id   BIGINT NOT NULL,
    kind       TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX tasks_by_age ON tasks (expires_at);

-- A posting is never changed or deleted, whoever asks; a mistake is reversed by a new one.
-- +goose StatementBegin
CREATE TRIGGER postings_no_update BEFORE UPDATE ON postings
BEGIN
    SELECT RAISE(ABORT, 'postings is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER postings_no_delete BEFORE DELETE ON postings
BEGIN
    SELECT RAISE(ABORT, 'postings is append-only');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE tasks;
DROP TABLE sessions;
DROP TABLE cases;
DROP TABLE postings;
DROP TABLE claim_transfers;
DROP TABLE claims;
DROP TABLE nonces;
DROP TABLE terminals;
DROP TABLE transfers;
DROP TABLE attempts;
DROP TABLE orders;
DROP TABLE codes;
DROP TABLE passwords;
DROP TABLE campus_cards;
DROP TABLE push_mutes;
DROP TABLE people;
