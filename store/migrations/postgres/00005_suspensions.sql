-- What a stolen machine may guess, which terminal had which blacklist when,
-- and the cap on codes over everybody.
-- +goose Up

-- Wrong query passwords typed at a machine, over all cards.
CREATE TABLE pin_failures (
    terminal_id TEXT   NOT NULL,
    at          BIGINT NOT NULL
);
CREATE INDEX pin_failures_by_terminal ON pin_failures (terminal_id, at);
ALTER TABLE terminals ADD COLUMN suspended_until BIGINT; -- takes no passwords until then

-- The first moment a terminal had a version; it never has an older one again.
CREATE TABLE blacklist_fetches (
    terminal_id TEXT   NOT NULL,
    version     BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (terminal_id, version)
);
CREATE INDEX blacklist_fetches_by_time ON blacklist_fetches (terminal_id, at);
INSERT INTO blacklist_fetches (terminal_id, version, at)
    SELECT id, blacklist_version, blacklist_at FROM terminals WHERE blacklist_at IS NOT NULL;

CREATE INDEX codes_by_age ON codes (issued_at);
CREATE INDEX audit_by_actor ON audit (actor, at);
CREATE INDEX sessions_by_user ON sessions (user_id);

-- +goose Down
DROP INDEX sessions_by_user;
DROP INDEX audit_by_actor;
DROP INDEX codes_by_age;
DROP TABLE blacklist_fetches;
ALTER TABLE terminals DROP COLUMN suspended_until;
DROP TABLE pin_failures;
