-- What a person is told once: an entry is made in the transaction that
-- enqueues the push, so that no run of a task tells it again.
-- +goose Up

CREATE TABLE notices (
    person_id BIGINT NOT NULL,                       -- 0 = the task itself has done its round
    kind      TEXT   NOT NULL,                       -- of the push
    ref       TEXT   NOT NULL,                       -- the month, or the transfer and its age in days
    at        BIGINT NOT NULL,
    PRIMARY KEY (person_id, kind, ref)
);

-- +goose Down
DROP TABLE notices;
