-- Cards that others took the place of, and when what is left on them is moved.
-- +goose Up
CREATE TABLE replacements (
    old_card_id BIGINT NOT NULL PRIMARY KEY REFERENCES campus_cards (id),
    new_card_id BIGINT NOT NULL UNIQUE REFERENCES campus_cards (id),
    person_id   BIGINT NOT NULL REFERENCES people (id),
    at          BIGINT NOT NULL,
    due_at      BIGINT NOT NULL,
    moved_at    BIGINT
);
CREATE INDEX replacements_by_person ON replacements (person_id);
CREATE INDEX replacements_due ON replacements (due_at) WHERE moved_at IS NULL;

-- +goose Down
DROP TABLE replacements;
