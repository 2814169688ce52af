-- The operators' page counts records without a sound seq among those kept aside.
-- +goose Up
DROP INDEX rejections_kept;
CREATE INDEX rejections_kept ON rejections (at) WHERE code IN ('conflict', 'card_not_found', 'invalid_seq');

-- +goose Down
DROP INDEX rejections_kept;
CREATE INDEX rejections_kept ON rejections (at) WHERE code IN ('conflict', 'card_not_found');
