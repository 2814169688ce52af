-- What the acts tell the queue, until it has taken it over.
-- +goose Up

CREATE TABLE outbox (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    args TEXT NOT NULL                               -- JSON
);

-- Claims name the transfers they hold.
DROP INDEX transfers_by_claim;

-- +goose Down
CREATE INDEX transfers_by_claim ON transfers (claim_id) WHERE claim_id IS NOT NULL;
DROP TABLE outbox;
