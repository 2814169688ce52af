-- Loss reports, the blacklist terminals fetch, and the audit log.
-- +goose Up

CREATE TABLE losses (
    receipt     TEXT   NOT NULL PRIMARY KEY,
    card_id     BIGINT NOT NULL REFERENCES campus_cards (id),
    person_id   BIGINT NOT NULL,
    accepted_at BIGINT NOT NULL,
    version     BIGINT NOT NULL,                     -- of the blacklist from which on terminals refuse the card
    ended_at    BIGINT
);
CREATE UNIQUE INDEX losses_open ON losses (card_id) WHERE ended_at IS NULL;
CREATE INDEX losses_by_card ON losses (card_id);
CREATE INDEX losses_by_person ON losses (person_id, accepted_at);

-- Every change of the list is a version of its own, without a gap.
CREATE TABLE blacklist (
    version BIGINT NOT NULL PRIMARY KEY,
    card_no TEXT   NOT NULL,
    lost    BOOLEAN NOT NULL,                        -- false = taken off the list
    at      BIGINT NOT NULL
);
CREATE INDEX blacklist_by_card ON blacklist (card_no, version);

ALTER TABLE terminals ADD COLUMN blacklist_version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE terminals ADD COLUMN blacklist_at BIGINT;

CREATE TABLE audit (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    at        BIGINT NOT NULL,
    actor     TEXT   NOT NULL,
    action    TEXT   NOT NULL,
    person_id BIGINT NOT NULL,
    card_no   TEXT   NOT NULL,
    detail    TEXT   NOT NULL
);
CREATE INDEX audit_by_person ON audit (person_id, at);
CREATE INDEX audit_by_card ON audit (card_no, at);
-- +goose StatementBegin
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit is append-only');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE audit;
ALTER TABLE terminals DROP COLUMN blacklist_at;
ALTER TABLE terminals DROP COLUMN blacklist_version;
DROP TABLE blacklist;
DROP TABLE losses;
