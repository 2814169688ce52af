-- Refunds, and when each attempt was paid by WeChat Pay's clock.
-- +goose Up

CREATE TABLE refunds (
    out_refund_no TEXT   NOT NULL PRIMARY KEY,
    out_trade_no  TEXT   NOT NULL REFERENCES attempts (out_trade_no),
    n             BIGINT NOT NULL,                   -- of this attempt: 1, and the next only after a close
    transfer_id   TEXT   REFERENCES transfers (id),  -- null: the payment was one too many
    person_id     BIGINT NOT NULL,
    amount_fen    BIGINT NOT NULL CHECK (amount_fen > 0),
    state         TEXT   NOT NULL CHECK (state IN ('wanted', 'processing', 'abnormal', 'refunded', 'closed')),
    wx_refund_id  TEXT   UNIQUE,
    created_at    BIGINT NOT NULL,
    accepted_at   BIGINT,                            -- by WeChat Pay
    ended_at      BIGINT,
    tries         BIGINT NOT NULL DEFAULT 0,
    next_at       BIGINT NOT NULL,                   -- when WeChat Pay is asked next
    UNIQUE (out_trade_no, n),
    CHECK ((ended_at IS NOT NULL) = (state IN ('refunded', 'closed'))),
    CHECK (state IN ('wanted', 'closed') OR wx_refund_id IS NOT NULL)
);
-- At most one refund of a payment is under way or done: no payment goes back twice.
CREATE UNIQUE INDEX refunds_live ON refunds (out_trade_no) WHERE state <> 'closed';
CREATE INDEX refunds_by_transfer ON refunds (transfer_id) WHERE transfer_id IS NOT NULL;
CREATE INDEX refunds_due ON refunds (next_at) WHERE state IN ('wanted', 'processing', 'abnormal');
CREATE INDEX refunds_by_day ON refunds (accepted_at) WHERE accepted_at IS NOT NULL;

ALTER TABLE attempts ADD COLUMN paid_at BIGINT;
UPDATE attempts SET paid_at = COALESCE(
    (SELECT o.paid_at FROM orders o JOIN postings p ON p.ref = 'topup:' || attempts.out_trade_no WHERE o.out_trade_no = attempts.order_no),
    (SELECT p.at FROM postings p WHERE p.ref = 'surplus:' || attempts.out_trade_no)) WHERE state IN ('paid', 'refunded');
CREATE INDEX attempts_by_payday ON attempts (paid_at) WHERE paid_at IS NOT NULL;

-- Second payments of an order that were taken before refunds existed go back now.
INSERT INTO refunds (out_refund_no, out_trade_no, n, person_id, amount_fen, state, created_at, next_at)
    SELECT 'R1-' || a.out_trade_no, a.out_trade_no, 1, a.person_id, a.amount_fen, 'wanted', p.at, p.at
    FROM attempts a JOIN postings p ON p.ref = 'surplus:' || a.out_trade_no WHERE a.state = 'paid';

-- +goose Down
DROP TABLE refunds;
DROP INDEX attempts_by_payday;
ALTER TABLE attempts DROP COLUMN paid_at;
