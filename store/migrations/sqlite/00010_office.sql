-- What the operators' page reads: how proofs of the books ended, and ways to
-- the newest settled cases and the records kept aside.
-- +goose Up

CREATE TABLE ledger_checks (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at BIGINT  NOT NULL,
    ended_at   BIGINT  NOT NULL,
    ok         BOOLEAN NOT NULL,
    proved     BIGINT  NOT NULL,                     -- rows the invariants were proved over
    violations BIGINT  NOT NULL,
    exceptions BIGINT  NOT NULL
);

CREATE INDEX cases_settled ON cases (settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX rejections_kept ON rejections (at) WHERE code IN ('conflict', 'card_not_found');

-- +goose Down
DROP INDEX rejections_kept;
DROP INDEX cases_settled;
DROP TABLE ledger_checks;
