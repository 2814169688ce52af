-- A till's record that was kept aside is a case, so that a person can end it.
-- +goose Up
INSERT INTO cases (kind, ref, card_no, detail, at)
    SELECT code, terminal_id || ':' || CAST(seq AS TEXT) || ':' || CAST(ROW_NUMBER() OVER (PARTITION BY terminal_id, seq, code ORDER BY at, record) AS TEXT), card_no,
        'record ' || CAST(seq AS TEXT) || ' of terminal ' || terminal_id || ' was not booked', at
    FROM rejections WHERE code IN ('conflict', 'card_not_found');

-- +goose Down
DELETE FROM cases WHERE kind IN ('conflict', 'card_not_found');
