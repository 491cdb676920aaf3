-- Everything a turn touches leads its key with the slot of its contact, so that the same schema can be spread
-- over many databases by slot: nothing is joined, referenced or changed across slots in one transaction.
-- Ids are made by the program, moments are microseconds since 1970 in UTC, attributes are JSON in a text.
-- Texts that are keys or are ordered by are compared by their bytes, in every locale.
-- Rows that are changed again and again have room beside them (`fillfactor`), so that a change that concerns no index
-- touches none.

-- A person.
CREATE TABLE contact (
  slot        INTEGER NOT NULL,
  id          UUID    NOT NULL,
  external_id TEXT,              -- what the customer's own systems call the person
  email       TEXT,              -- as `Address` writes it
  phone       TEXT,
  timezone    TEXT,
  language    TEXT,
  created_at  BIGINT  NOT NULL,
  tags        TEXT    NOT NULL,  -- JSON list
  attributes  TEXT    NOT NULL,  -- JSON object
  suppressed  TEXT,              -- why nothing is sent to the address
  PRIMARY KEY (slot, id)
);
CREATE INDEX contact_latest ON contact (created_at);

-- What names a contact from outside. The slot is that of the value, so that a name is unique wherever it lives.
CREATE TABLE identity (
  slot    INTEGER          NOT NULL,
  kind    TEXT COLLATE "C" NOT NULL,  -- external, anonymous, email
  value   TEXT COLLATE "C" NOT NULL,
  contact UUID             NOT NULL,
  PRIMARY KEY (slot, kind, value)
);

-- Addresses nothing is sent to any more, kept when contacts go. The slot is that of the address.
CREATE TABLE suppression (
  slot    INTEGER          NOT NULL,
  address TEXT COLLATE "C" NOT NULL,  -- in small letters
  reason  TEXT             NOT NULL,
  at      BIGINT           NOT NULL,
  PRIMARY KEY (slot, address)
);

-- One decision on one topic; never changed, only followed by another.
CREATE TABLE permission (
  slot    INTEGER          NOT NULL,
  contact UUID             NOT NULL,
  topic   TEXT COLLATE "C" NOT NULL,
  at      BIGINT           NOT NULL,
  allowed BOOLEAN          NOT NULL,
  source  TEXT             NOT NULL,
  wording TEXT,
  proof   TEXT,
  PRIMARY KEY (slot, contact, topic, at)
);

-- What happened to a contact. The id comes from the source's own id, so that a repeat is the same row.
CREATE TABLE event (
  slot        INTEGER          NOT NULL,
  contact     UUID             NOT NULL,
  id          UUID             NOT NULL,
  kind        TEXT             NOT NULL,
  name        TEXT COLLATE "C" NOT NULL,
  at          BIGINT           NOT NULL,
  received_at BIGINT           NOT NULL,
  run         UUID,                       -- the run it answers
  depth       INTEGER          NOT NULL,  -- how many turns led to it, one after the other
  properties  TEXT             NOT NULL,
  pending     BOOLEAN          NOT NULL,  -- until every run has looked at it
  result      TEXT,                       -- JSON: the journeys it did not lead into, and why
  PRIMARY KEY (slot, contact, id)
);
CREATE INDEX event_pending ON event (slot, received_at) WHERE pending;
-- What conditions such as `count(page_viewed in last 7 days)` ask for. The name stands before the contact, so that nobody
-- who looks for one event of a contact takes this way, which may be long, for the one of the key.
CREATE INDEX event_past ON event (slot, name, contact, at);

-- What came in and could not be taken; shown, never lost.
CREATE TABLE quarantine (
  id          UUID   NOT NULL PRIMARY KEY,
  received_at BIGINT NOT NULL,
  reason      TEXT   NOT NULL,
  body        TEXT   NOT NULL
);

-- Plans by their hash. A number is given once and for ever; runs name it.
CREATE TABLE version (
  number  INTEGER NOT NULL PRIMARY KEY,
  hash    BYTEA   NOT NULL UNIQUE,
  journey TEXT    NOT NULL,
  plan    TEXT    NOT NULL,
  made_at BIGINT  NOT NULL
);

-- Which version of a journey is in force, and since when.
CREATE TABLE deployment (
  journey TEXT COLLATE "C" NOT NULL,
  at      BIGINT           NOT NULL,
  version INTEGER,  -- none: nobody enters any more
  PRIMARY KEY (journey, at)
);

-- A contact in a journey.
CREATE TABLE run (
  slot       INTEGER          NOT NULL,
  contact    UUID             NOT NULL,
  id         UUID             NOT NULL,
  journey    TEXT COLLATE "C" NOT NULL,
  version    INTEGER          NOT NULL,
  key        TEXT COLLATE "C" NOT NULL,  -- the value of `per`
  arm        TEXT             NOT NULL,
  place      INTEGER          NOT NULL,
  turn       INTEGER          NOT NULL,
  steps      INTEGER          NOT NULL,
  entered_at BIGINT           NOT NULL,
  wake_at    BIGINT,                     -- none while only an event can move it
  goal_until BIGINT,
  ended_at   BIGINT,
  outcome    TEXT,
  state      TEXT             NOT NULL,  -- JSON: what else it remembers
  PRIMARY KEY (slot, contact, id)
) WITH (fillfactor = 80);
CREATE INDEX run_due ON run (slot, wake_at) WHERE wake_at IS NOT NULL;

-- When a contact must be looked at for ways into journeys that time decides, and what was known then.
CREATE TABLE watch (
  slot      INTEGER NOT NULL,
  contact   UUID    NOT NULL,
  looked_at BIGINT  NOT NULL,  -- moments up to here have been looked at
  due_at    BIGINT,            -- none while only something that happens can lead in
  state     TEXT    NOT NULL,  -- JSON: what held
  PRIMARY KEY (slot, contact)
) WITH (fillfactor = 80);
CREATE INDEX watch_due ON watch (slot, due_at) WHERE due_at IS NOT NULL;

-- One row while some journey in force has such a way in: since when, and how far those who were there before have
-- been given their rows.
CREATE TABLE watching (
  id            INTEGER NOT NULL PRIMARY KEY,
  begun_at      BIGINT  NOT NULL,
  after_slot    INTEGER,  -- none once everybody has a row
  after_contact UUID
);

-- One row for each journey whose version in force takes those over who are inside others (`on change move`), while not all
-- of them have been told to look: since when, and how far.
CREATE TABLE moving (
  journey       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  version       INTEGER          NOT NULL,
  begun_at      BIGINT           NOT NULL,
  after_slot    INTEGER          NOT NULL,
  after_contact UUID             NOT NULL,
  woken         BIGINT           NOT NULL  -- how many were told so far
);

-- What a run did at each place and why. That of ended runs may be taken away but for the last step.
CREATE TABLE history (
  slot    INTEGER NOT NULL,
  run     UUID    NOT NULL,
  number  INTEGER NOT NULL,
  at      BIGINT  NOT NULL,
  version INTEGER NOT NULL,
  place   INTEGER NOT NULL,
  kind    TEXT    NOT NULL,
  detail  TEXT    NOT NULL,
  PRIMARY KEY (slot, run, number)
);

-- The ledger: one row for each message decided. It outlives history and contact.
CREATE TABLE message (
  slot           INTEGER NOT NULL,
  contact        UUID    NOT NULL,
  id             UUID    NOT NULL,
  run            UUID    NOT NULL,
  journey        TEXT    NOT NULL,
  version        INTEGER NOT NULL,
  place          INTEGER NOT NULL,
  step           INTEGER NOT NULL,
  channel        TEXT    NOT NULL,
  message        TEXT    NOT NULL,
  topic          TEXT    NOT NULL,
  essential      BOOLEAN NOT NULL,
  address        TEXT    NOT NULL,
  with_values    TEXT    NOT NULL,  -- JSON: what the template gets beside the contact
  state          TEXT    NOT NULL,
  reason         TEXT,              -- why it was skipped
  decided_at     BIGINT  NOT NULL,
  wanted_at      BIGINT  NOT NULL,  -- when it was to go; what is late is counted from it
  due_at         BIGINT,            -- when it is tried next; none once it is settled or handed over
  attempts       INTEGER NOT NULL,
  handed_over_at BIGINT,
  settled_at     BIGINT,
  answer         TEXT,              -- what the provider said
  resent_at      BIGINT,            -- when it was sent once more because nobody could prove the first time
  opened_at      BIGINT,            -- when a person did so first
  clicked_at     BIGINT,
  timezone       TEXT,              -- of the contact's own clock when its hand-over began
  worker         BIGINT,            -- the process that took it; as long as that one lives, it is nobody else's
  PRIMARY KEY (slot, contact, id)
) WITH (fillfactor = 80);
-- Mail and what goes over HTTP apart, so that neither waits behind the other.
CREATE INDEX message_due ON message (due_at) WHERE due_at IS NOT NULL AND channel = 'email';
CREATE INDEX message_due_over_http ON message (due_at) WHERE due_at IS NOT NULL AND channel <> 'email';
-- What somebody should look at.
CREATE INDEX message_attention ON message (state, decided_at) WHERE state IN ('unsure', 'refused');
CREATE INDEX message_latest ON message (decided_at);
-- Those whose hand-over has begun: few at any time, and looked for.
CREATE INDEX message_handed_over ON message (handed_over_at) WHERE state = 'handed_over';

-- The same for webhooks and hand-offs; the id is the `webhook-id` on the wire and the lead's.
CREATE TABLE call (
  slot        INTEGER NOT NULL,
  contact     UUID    NOT NULL,
  id          UUID    NOT NULL,
  run         UUID    NOT NULL,
  journey     TEXT    NOT NULL,
  version     INTEGER NOT NULL,
  place       INTEGER NOT NULL,
  step        INTEGER NOT NULL,
  stage       TEXT    NOT NULL,
  kind        TEXT    NOT NULL,
  target      TEXT    NOT NULL,
  with_values TEXT    NOT NULL,
  assigned_to TEXT,
  state       TEXT    NOT NULL,
  decided_at  BIGINT  NOT NULL,
  due_at      BIGINT,   -- when it is tried next; none once it is delivered or dead
  attempts    INTEGER NOT NULL,
  settled_at  BIGINT,
  status      INTEGER,  -- of the last answer
  answer      TEXT,     -- what the other side said, or why it could not be asked
  body        TEXT,     -- what is sent, the same on every attempt
  worker      BIGINT,   -- as that of a message
  PRIMARY KEY (slot, contact, id)
) WITH (fillfactor = 80);
CREATE INDEX call_due ON call (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX call_attention ON call (decided_at) WHERE state = 'dead';
CREATE INDEX call_latest ON call (decided_at);
-- Teams answer by the lead's id alone.
CREATE INDEX call_by_id ON call (id);

-- What a sales team answered to a hand-off.
CREATE TABLE lead (
  slot        INTEGER NOT NULL,
  contact     UUID    NOT NULL,
  call        UUID    NOT NULL,
  accepted    BOOLEAN NOT NULL,
  answered_at BIGINT  NOT NULL,
  answered_by TEXT    NOT NULL,
  PRIMARY KEY (slot, contact, call)
);

-- A goal reached, by whom, in which arm, worth what.
CREATE TABLE goal (
  slot    INTEGER          NOT NULL,
  contact UUID             NOT NULL,
  run     UUID             NOT NULL,
  goal    TEXT COLLATE "C" NOT NULL,
  journey TEXT             NOT NULL,
  version INTEGER          NOT NULL,
  arm     TEXT             NOT NULL,
  at      BIGINT           NOT NULL,
  worth   DOUBLE PRECISION,
  event   UUID             NOT NULL,
  PRIMARY KEY (slot, contact, run, goal)
);

-- Counts that reports and pages read, so that nobody counts rows. The slot spreads the counting over the connections
-- that count, so that they do not wait for each other; nothing else.
CREATE TABLE tally (
  slot    INTEGER          NOT NULL DEFAULT pg_backend_pid() % 64,
  journey TEXT COLLATE "C" NOT NULL,
  version INTEGER          NOT NULL,
  arm     TEXT COLLATE "C" NOT NULL,
  day     INTEGER          NOT NULL,  -- days since 1970 in UTC; 0 for what stands now
  what    TEXT COLLATE "C" NOT NULL,
  detail  TEXT COLLATE "C" NOT NULL,
  count   BIGINT           NOT NULL,
  worth   DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (slot, journey, version, arm, day, what, detail)
) WITH (fillfactor = 50);

-- The variants of experiments that were picked, for good.
CREATE TABLE picked (
  journey    TEXT COLLATE "C" NOT NULL,
  experiment TEXT COLLATE "C" NOT NULL,
  variant    TEXT             NOT NULL,
  at         BIGINT           NOT NULL,
  PRIMARY KEY (journey, experiment)
);

-- Who did what: deployments, imports, retries, access given and taken away.
CREATE TABLE audit (
  at     BIGINT           NOT NULL,
  what   TEXT COLLATE "C" NOT NULL,
  detail TEXT COLLATE "C" NOT NULL,
  who    TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (at, what, detail, who)
);

-- Access for people and programs; of a secret only its hash is kept.
CREATE TABLE token (
  id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  name       TEXT             NOT NULL,
  role       TEXT             NOT NULL,
  hash       BYTEA            NOT NULL,
  created_at BIGINT           NOT NULL,
  revoked_at BIGINT
);

-- One row while nothing may be handed over: everything that is due waits.
CREATE TABLE hold (
  id    INTEGER NOT NULL PRIMARY KEY,
  since BIGINT  NOT NULL,
  why   TEXT    NOT NULL
);

-- One row: whose journeys are in force, by the name in lotse.yaml, so that the folder of another does not take them out
-- of force.
CREATE TABLE workspace (
  id   INTEGER NOT NULL PRIMARY KEY,
  name TEXT    NOT NULL
);
