/**
 * The JSON Schema of `landbridge.yaml` (draft 2020-12). It is published as `docs/reference/landbridge.schema.json`, and the
 * reference page is made from its descriptions.
 */

import { idDecoders } from '@landbridge/engine';

const text = (description: string): object => ({ type: 'string', minLength: 1, description });
const list = (description: string): object => ({ type: 'array', items: { type: 'string' }, description });
const duration = (description: string): object => ({
  type: ['string', 'number'],
  description: `${description} A duration such as 30s, 5m, 24h, or seconds.`,
});

const egress = (who: string): object => ({
  type: 'array',
  items: { type: 'string', pattern: '^(\\[[0-9A-Fa-f:.]+\\]|[^\\s/:\\[\\]]+):[0-9]{1,5}$' },
  description: `${who} that may be on this machine or in a private network, as host:port. All others must have public addresses.`,
});
const flow = (description: string, words: readonly string[]): object => ({
  description,
  oneOf: [
    { enum: words },
    {
      type: 'object',
      additionalProperties: false,
      required: ['set'],
      properties: {
        set: {
          type: 'object',
          description: 'Attribute values to write; null clears one.',
          additionalProperties: { type: ['string', 'number', 'boolean', 'null'] },
        },
      },
    },
  ],
});

const mapping = {
  type: 'object',
  description: 'SCIM path → attribute of the application.',
  additionalProperties: {
    oneOf: [
      text('The attribute.'),
      {
        type: 'object',
        additionalProperties: false,
        required: ['attribute'],
        properties: {
          attribute: text('The attribute.'),
          values: {
            type: 'object',
            additionalProperties: false,
            required: ['true', 'false'],
            description: 'What a SCIM boolean is in the application.',
            properties: {
              true: { type: ['string', 'number', 'boolean'], description: 'The value in the application that means true.' },
              false: { type: ['string', 'number', 'boolean'], description: 'The value in the application that means false.' },
            },
          },
          characteristics: {
            type: 'object',
            additionalProperties: false,
            description: 'Characteristics of the SCIM attribute (RFC 7643 §7) that differ from the standard or the application.',
            properties: {
              description: text('What it is.'),
              required: { type: 'boolean', description: 'A create must have it.' },
              caseExact: { type: 'boolean', description: 'Upper and lower case differ.' },
              mutability: { enum: ['readOnly', 'readWrite', 'immutable', 'writeOnly'], description: 'Whether clients may set and change it.' },
              returned: { enum: ['always', 'never', 'default', 'request'], description: 'When answers contain it.' },
              uniqueness: { enum: ['none', 'server', 'global'], description: 'Whether two resources may have the same value.' },
              canonicalValues: list('Suggested values.'),
            },
          },
        },
      },
    ],
  },
};

const objectType = {
  type: 'object',
  additionalProperties: false,
  required: ['resourceType'],
  description: 'One object type and the SCIM resource it becomes.',
  properties: {
    resourceType: { type: 'string', pattern: '^[A-Za-z][A-Za-z0-9]*$', description: 'User, Group, or any other name.' },
    endpoint: {
      type: 'string',
      pattern: '^[A-Za-z][A-Za-z0-9]*$',
      description: 'Path below the base URL. Default: the resource type with an s.',
    },
    mapping,
    exclude: list('Attributes left out.'),
    leaveOut: {
      type: 'array',
      description: 'Objects that are no entries: those that satisfy all conditions of any of these.',
      items: {
        type: 'object',
        minProperties: 1,
        description: 'Conditions by attribute: a value that it has, { not: value }, or { present: true or false }.',
        additionalProperties: {
          oneOf: [
            { type: ['string', 'number', 'boolean'] },
            {
              type: 'object',
              additionalProperties: false,
              required: ['not'],
              properties: { not: { type: ['string', 'number', 'boolean'], description: 'It has a value, and not this one.' } },
            },
            {
              type: 'object',
              additionalProperties: false,
              required: ['present'],
              properties: { present: { type: 'boolean', description: 'Whether it has a value.' } },
            },
          ],
        },
      },
    },
    queryable: list('Attributes that get an index besides what clients look up.'),
    partition: text('The partition of new entries whose name does not tell it; needed where several are selected.'),
    schema: { type: 'string', pattern: '^urn:[A-Za-z0-9:._-]+$', description: 'URN of the core schema of a type that is neither User nor Group.' },
    sameDisplayNames: { type: 'boolean', description: 'Whether two groups may have the same displayName. Default: false.' },
    dn: text('How a new entry is named, for connectors with distinguished names: CN={cn},OU=People.'),
  },
};

const runStep = {
  oneOf: [
    { enum: ['full-import', 'delta-import', 'full-export'] },
    {
      type: 'object',
      additionalProperties: false,
      required: ['step'],
      properties: {
        step: { enum: ['full-import', 'delta-import', 'full-export'], description: 'What the step does.' },
        partition: text('One partition instead of all selected.'),
        pageSize: { type: 'integer', minimum: 1, description: 'Entries of a page. Default: as the connector says.' },
      },
    },
  ],
};

const connector = {
  type: 'object',
  additionalProperties: false,
  required: ['package', 'parameters', 'objectTypes'],
  description: 'A connector: a configured instance of a connector package.',
  properties: {
    package: text('sql, ecma2, the name of an installed package, or the path of a module that exports a connector.'),
    linkedIds: {
      type: 'array',
      items: { enum: [...idDecoders] },
      description: 'Under the drop-in URL: how ids that clients have from another host may hold the anchor. What fits one entry is linked to it.',
    },
    mode: {
      enum: ['observe', 'shadow', 'live'],
      description: 'observe refuses writes; shadow accepts and records them, and calls nothing. Default: live.',
    },
    parameters: {
      type: 'object',
      description:
        'The parameters of the package. Secrets by reference only: ${secret:NAME}, ${env:NAME} or ${file:PATH}. Text that looks like one is written with two dollar signs: $${env:NAME}.',
    },
    publicParameters: list('Parameters whose names sound like secrets and are none, such as a script: they may stand in the configuration.'),
    files: text("Folder with the first content of the connector's own folder (MaData): copied when that is new."),
    secretToken: text('A fixed bearer token for the drop-in URL, by reference: ${secret:NAME} or ${env:NAME}.'),
    objectTypes: {
      type: 'object',
      minProperties: 1,
      additionalProperties: objectType,
      description: 'Object types by their name in the connector.',
    },
    partitions: list('Selected partitions. Default: all.'),
    containers: {
      type: 'array',
      description: 'Containers in and out of scope, by partition.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['partition'],
        properties: { partition: text('The partition.'), include: list('Distinguished names.'), exclude: list('Distinguished names.') },
      },
    },
    runProfiles: {
      type: 'object',
      additionalProperties: { type: 'array', minItems: 1, items: runStep },
      description: 'Run profiles. full and delta exist without being named.',
    },
    autosync: {
      type: 'object',
      description: 'Run profile → how often: a duration, or {cron, timeZone}.',
      additionalProperties: {
        oneOf: [
          { type: ['string', 'number'] },
          {
            type: 'object',
            additionalProperties: false,
            required: ['cron'],
            properties: { cron: text('A cron expression.'), timeZone: text('Such as Europe/Berlin.') },
          },
        ],
      },
    },
    deletionThreshold: {
      type: 'object',
      additionalProperties: false,
      description: 'Above it, removals by an import wait for approval.',
      properties: {
        percent: { type: 'number', minimum: 0, maximum: 100, description: 'Default 10.' },
        minimum: { type: 'integer', minimum: 0, description: 'Default 20.' },
      },
    },
    allowFrom: {
      type: 'array',
      items: { type: 'string', pattern: '^[0-9a-fA-F.:]+/[0-9]{1,3}$' },
      description: 'Networks that SCIM clients come from, such as 10.0.0.0/8. Default: anywhere.',
    },
    protected: list('SCIM filters of resources that no client may change or delete, such as userName eq "root".'),
    massChange: {
      description: 'Above it, deletes and disables that come over SCIM within an hour wait for an administrator; off lets everything pass.',
      oneOf: [
        { const: 'off' },
        {
          type: 'object',
          additionalProperties: false,
          properties: {
            percent: { type: 'number', minimum: 0, maximum: 100, description: 'Share of an object type. Default 10.' },
            minimum: { type: 'integer', minimum: 0, description: 'What always passes. Default 100.' },
            memberPercent: { type: 'number', minimum: 0, maximum: 100, description: 'Share of the members of one group. Default 50.' },
          },
        },
      ],
    },
    egress: egress('Receivers of events'),
    events: {
      type: 'object',
      description: 'Streams of security event tokens (RFC 9967), by name: what changes is told to each receiver.',
      propertyNames: { pattern: '^[a-z][a-z0-9-]*$' },
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        required: ['audience'],
        oneOf: [{ required: ['push'] }, { required: ['poll'] }],
        properties: {
          audience: text('The aud of its tokens: what the receiver calls itself.'),
          push: {
            type: 'object',
            additionalProperties: false,
            required: ['url'],
            description: 'The host delivers (RFC 8935).',
            properties: {
              url: { type: 'string', pattern: '^https://', description: 'Where to, by TLS.' },
              authorization: text('The Authorization header, by reference: ${secret:NAME} or ${env:NAME}.'),
              ca: text('A file with the authority of the receiver’s certificate.'),
            },
          },
          poll: {
            type: 'object',
            additionalProperties: false,
            description: 'The receiver fetches (RFC 8936) from /events/CONNECTOR/STREAM with a credential of the connector.',
            properties: { client: text('Only credentials of this client may.') },
          },
        },
      },
    },
    deprovisioning: {
      type: 'object',
      additionalProperties: false,
      description: 'What disable and delete do to the application.',
      properties: {
        disable: flow('active: false. map writes the mapped attribute (default).', ['map', 'none', 'delete']),
        delete: flow('DELETE. Default: delete.', ['delete', 'none']),
      },
    },
    publicAuthenticationSchemes: {
      type: 'boolean',
      description: 'How to authenticate may be read from /ServiceProviderConfig without a credential, and nothing else. Default: false.',
    },
    scim1: { type: 'boolean', description: 'Also SCIM 1.1, in JSON, at /scim/CONNECTOR/v1, for clients that know nothing newer. Default: false.' },
    reExport: {
      type: 'boolean',
      description: 'What an import shows as it was before a write is exported again, at most three times. Default: false, it is reported only.',
    },
    strictResults: { type: 'boolean', description: 'A missing per-entry result is an error instead of success.' },
    passwords: {
      type: 'object',
      additionalProperties: false,
      description: 'How passwords travel to the application.',
      properties: {
        notSecure: {
          enum: ['refuse', 'allow'],
          description:
            'Whether a password is sent over a connection that the connector calls not secure, such as one without TLS to another machine. Default: refuse.',
        },
      },
    },
    session: {
      type: 'object',
      additionalProperties: false,
      description: 'How export sessions live.',
      properties: {
        keepOpen: { type: 'boolean', description: 'Sessions stay open between bursts of writes. Default: as the package declares.' },
        idle: duration('Closed after.'),
        max: duration('Reopened after.'),
      },
    },
    retention: {
      type: 'object',
      additionalProperties: false,
      description: 'How long what is over is kept.',
      properties: {
        journal: duration('Writes that have their result. Default 90d.'),
        runs: duration('Runs. The last full import is kept anyway. Default 90d.'),
        audit: duration('The audit. Default 400d.'),
      },
    },
    limits: {
      type: 'object',
      additionalProperties: false,
      description: 'Limits.',
      properties: {
        requestsPerSecond: {
          type: 'integer',
          minimum: 0,
          description: 'Requests a second that one credential may make; more are answered 429. Default 0: no limit.',
        },
        concurrentRequests: { type: 'integer', minimum: 1, description: 'Requests of one credential at work at a time. Default 500.' },
        call: duration('A connector call is given up after. Default 20s.'),
        deadline: duration('A client is told to come back after. Default 25s.'),
        hardLimit: duration('An import call ends the connector thread after. Default 6h.'),
        memory: { type: 'integer', minimum: 64, description: 'MiB of the connector thread. Default 1024.' },
        scanEntries: { type: 'integer', minimum: 0, description: 'Entries a filter without index may look at. Default 200000.' },
        runErrors: { type: 'integer', minimum: 1, description: 'Errors after which a run stops. Default 5000.' },
      },
    },
  },
};

const claims = {
  type: 'object',
  description: 'Claims that a token must have, by name; of a list one value.',
  additionalProperties: { type: 'string' },
};

const access = {
  client: text('The name of the client: the scope of its external ids. Its credentials can change, the name stays.'),
  connector: text('The connector that it opens.'),
  profile: { enum: ['strict', 'lenient', 'entra', 'okta', 'aws-style', 'ping'], description: 'Its dialect. Default: lenient.' },
  resourceTypes: { type: 'array', minItems: 1, items: { type: 'string' }, description: 'The resource types that it may use. Default: all.' },
  attributes: { type: 'array', minItems: 1, items: { type: 'string' }, description: 'The attributes that it may see and write. Default: all.' },
  operations: { type: 'array', minItems: 1, items: { enum: ['read', 'create', 'update', 'delete'] }, description: 'What it may do. Default: everything.' },
};

const authentication = {
  type: 'object',
  additionalProperties: false,
  description: 'Who may speak SCIM besides the holders of tokens: clients of OpenID Connect issuers, and clients with certificates.',
  properties: {
    egress: egress('Issuers'),
    issuers: {
      type: 'array',
      description: 'OpenID Connect issuers whose JSON Web Tokens are accepted.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['issuer', 'audience', 'clients'],
        description: 'An issuer of JSON Web Tokens.',
        properties: {
          issuer: { type: 'string', pattern: '^https://', description: 'The iss claim, to the letter.' },
          audience: { oneOf: [text('The aud claim.'), list('The aud claims that are accepted.')], description: 'For whom tokens must be.' },
          jwks: { type: 'string', pattern: '^https://', description: 'Where its keys are. Default: as its OpenID configuration says.' },
          ca: text('PEM file of the authority of its TLS certificate. Default: the public ones.'),
          claims: { ...claims, description: 'Claims that every token must have: the tenant above all, where issuer and audience are shared.' },
          clients: {
            type: 'array',
            minItems: 1,
            items: {
              type: 'object',
              additionalProperties: false,
              required: ['client', 'connector', 'claims'],
              properties: {
                ...access,
                claims: { ...claims, minProperties: 1 },
                me: text('The claim with the userName of the person that the token is for: who /Me is.'),
              },
            },
            description: 'The clients, recognised by their claims (appid, azp, sub …); the first that fits counts.',
          },
        },
      },
    },
    certificates: {
      type: 'object',
      additionalProperties: false,
      required: ['ca', 'clients'],
      description: 'Clients with TLS certificates. Taking this up or away needs a restart of the host.',
      properties: {
        ca: text('PEM file of the authority that signs the certificates of clients.'),
        clients: {
          type: 'array',
          minItems: 1,
          description: 'The clients, recognised by their certificates.',
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['client', 'connector'],
            oneOf: [{ required: ['commonName'] }, { required: ['fingerprint'] }],
            properties: {
              ...access,
              commonName: text('The common name of its certificate.'),
              fingerprint: text('The SHA-256 fingerprint of its certificate.'),
            },
          },
        },
      },
    },
  },
};

/** The schema of the whole document. */
const store = {
  type: 'object',
  additionalProperties: false,
  required: ['postgres'],
  description: 'Where the host keeps its own state. Without it: SQLite files in the data folder.',
  properties: {
    lease: duration('How long a connector stays with a host that died, before another host takes it over; 3s to 10m, default 30s.'),
    postgres: {
      description: 'A PostgreSQL database (version 13 or newer, encoding UTF8). Its password by reference, or in PGPASSWORD or a .pgpass file.',
      oneOf: [
        text('postgres://USER:${env:NAME}@HOST:PORT/DATABASE?sslmode=verify-full, or the whole of it by reference: ${env:NAME}.'),
        {
          type: 'object',
          additionalProperties: false,
          required: ['host', 'database', 'user'],
          properties: {
            host: text('Name or address of the server.'),
            port: { type: 'integer', minimum: 1, maximum: 65_535, description: 'Default 5432.' },
            database: text('The database.'),
            user: text('The role: it must be allowed to create schemas in the database.'),
            password: text('Its password, by reference: ${env:NAME} or ${file:PATH}.'),
            sslmode: { enum: ['disable', 'require', 'verify-ca', 'verify-full'], description: 'How the connection is protected. Default: disable.' },
            sslrootcert: text('PEM file of the authority that the server certificate must come from.'),
            schema: {
              type: 'string',
              pattern: '^[a-z][a-z0-9_]{0,40}$',
              description: 'Schema of the control data, and prefix of the schemas of the connectors. Default: landbridge.',
            },
          },
        },
      ],
    },
  },
};

export const documentSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Landbridge configuration',
  type: 'object',
  additionalProperties: false,
  required: ['version', 'connectors'],
  properties: {
    version: { const: 1, description: 'Version of the format.' },
    server: {
      type: 'object',
      additionalProperties: false,
      description: 'The listening server.',
      properties: {
        host: text('Address to listen on. Default 127.0.0.1.'),
        port: { type: 'integer', minimum: 0, maximum: 65_535, description: 'Default 8443.' },
        publicUrl: { type: 'string', pattern: '^https?://', description: 'The URL that clients see: for meta.location and $ref.' },
        tls: {
          type: 'object',
          additionalProperties: false,
          required: ['certificate', 'key'],
          description: 'Own certificate. Without it one is generated and renewed.',
          properties: { certificate: text('PEM file.'), key: text('PEM file.') },
        },
      },
    },
    store,
    authentication,
    alerts: {
      type: 'object',
      additionalProperties: false,
      description: 'Where alerts go besides the log, the audit and the metrics.',
      properties: {
        egress: egress('The webhook'),
        webhook: {
          type: 'object',
          additionalProperties: false,
          required: ['url'],
          description: 'Each alert is posted there as JSON.',
          properties: {
            url: { type: 'string', pattern: '^https://', description: 'Where to, by TLS.' },
            authorization: text('The Authorization header, by reference: ${secret:NAME} or ${env:NAME}.'),
            ca: text('A file with the authority of its certificate.'),
          },
        },
      },
    },
    packages: {
      type: 'object',
      additionalProperties: false,
      description: 'What is asked of connector packages.',
      properties: {
        requireSignature: { type: 'boolean', description: 'Only packages that one of the keys signed are added and run. Default: false.' },
        keys: {
          type: 'object',
          additionalProperties: text('PEM file of an Ed25519 public key.'),
          description: "Keys of the operator's own choosing, by a name that appears in lists and in the audit.",
        },
      },
    },
    connectors: {
      type: 'object',
      minProperties: 0,
      propertyNames: { pattern: '^[A-Za-z][A-Za-z0-9_-]*$' },
      additionalProperties: connector,
      description: 'Connectors by name. The name is part of the URL.',
    },
  },
} as const;
