-- Letters on their way to people. What they say and to whom is sealed by a key
-- outside this database, and blanked once a row is final. Times are milliseconds
-- since 1970.

-- +goose Up
CREATE TABLE outbox (
    id         TEXT   NOT NULL PRIMARY KEY, -- names the letter for ever: entered twice, it is sent once
    channel    TEXT   NOT NULL, -- mail, sms
    kind       TEXT   NOT NULL,
    holder     TEXT   NOT NULL, -- whom it concerns
    masked     TEXT   NOT NULL, -- address as support may see it
    letter     TEXT   NOT NULL, -- sealed; empty once final
    void       SMALLINT NOT NULL, -- 1: takes the same way and is thrown away
    state      TEXT   NOT NULL, -- waiting, handing, sent, failed, expired, unsure, void
    attempts   BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    next_at    BIGINT NOT NULL, -- waiting: not before; handing: when the lease ends
    ends_at    BIGINT NOT NULL, -- not sent after this
    done_at    BIGINT NOT NULL
);
CREATE INDEX outbox_due ON outbox (state, next_at);
CREATE INDEX outbox_holder ON outbox (holder, created_at);

-- +goose Down
DROP TABLE outbox;
