-- What services are still to be told of sessions that ended (Back-Channel
-- Logout 1.0), one row per session and service; rows stay a while after they are
-- settled, so that what was never delivered can be seen. Times are milliseconds
-- since 1970.

-- +goose Up
CREATE TABLE notices (
    id         TEXT   NOT NULL PRIMARY KEY, -- session and service: told once however often it is ended
    client     TEXT   NOT NULL,
    sub        TEXT   NOT NULL,             -- as this service knows the person
    sid        TEXT   NOT NULL,
    state      TEXT   NOT NULL,             -- waiting, done, dead
    attempts   BIGINT NOT NULL,
    answer     TEXT   NOT NULL DEFAULT '',  -- of the last try: a status, or why there was none
    created_at BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,             -- when the next try is due; while one is under way, when it is given up
    ends_at    BIGINT NOT NULL,             -- no try after it
    done_at    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX notices_due ON notices (state, client, next_at);

-- +goose Down
DROP TABLE notices;
