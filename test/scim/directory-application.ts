import { DatabaseSync } from 'node:sqlite';

/** A directory with every kind of attribute that SCIM has a place for: what the conformance suite is run against. */
const TABLES = `
CREATE TABLE people(
  id INTEGER PRIMARY KEY AUTOINCREMENT, login varchar(200) NOT NULL UNIQUE, first_name varchar(200), last_name varchar(200), display varchar(200), title varchar(200),
  locale varchar(20), timezone varchar(60), status varchar(1) NOT NULL DEFAULT 'A', mail varchar(200), home_mail varchar(200), work_phone varchar(60), mobile varchar(60),
  street varchar(200), city varchar(100), country varchar(60), department varchar(100), cost_center varchar(100), employee_number varchar(40), badge bigint,
  manager_id INTEGER REFERENCES people(id) ON DELETE SET NULL);
CREATE TABLE person_roles(person_id INTEGER NOT NULL REFERENCES people(id) ON DELETE CASCADE, role varchar(100) NOT NULL, PRIMARY KEY(person_id, role));
CREATE TABLE teams(id INTEGER PRIMARY KEY, name varchar(200) NOT NULL);
CREATE TABLE team_members(
  team_id INTEGER NOT NULL REFERENCES teams(id) ON DELETE CASCADE, person_id INTEGER NOT NULL REFERENCES people(id) ON DELETE CASCADE,
  PRIMARY KEY(team_id, person_id));
CREATE INDEX team_members_person ON team_members(person_id);
CREATE TABLE devices(id INTEGER PRIMARY KEY, serial varchar(60) NOT NULL UNIQUE, owner_id INTEGER REFERENCES people(id) ON DELETE SET NULL);`;

/** Creates the application, empty, or with generated people and one team that some of them are in. */
export function createDirectory(file: string, people = 0, members = 0): void {
  const database = new DatabaseSync(file);
  database.exec(`PRAGMA journal_mode=WAL; ${TABLES}
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${people})
    INSERT INTO people(id, login, first_name, last_name, mail) SELECT i, 'person' || i, 'First' || i, 'Last' || i, 'person' || i || '@example.com' FROM n WHERE i <= ${people};`);
  if (members > 0)
    database.exec(`INSERT INTO teams(id, name) VALUES (1, 'Everybody'); INSERT INTO team_members SELECT 1, id FROM people WHERE id <= ${members};`);
  database.close();
}

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

/** The configuration of the application: as complete a mapping as it allows. */
export function directoryConfiguration(file: string, more = ''): string {
  return `version: 1
connectors:
  dir:
    package: sql
    massChange: off
${more}    parameters:
      dialect: sqlite
      file: ${file}
      objectTypes:
        person:
          table: people
          anchor: [id]
          anchorAssigned: true
          attributes:
            id: { column: id }
            login: { column: login, caseExact: false }
            firstName: { column: first_name, caseExact: false }
            lastName: { column: last_name, caseExact: false }
            display: { column: display, caseExact: false }
            title: { column: title, caseExact: false }
            locale: { column: locale, caseExact: false }
            timezone: { column: timezone, caseExact: false }
            status: { column: status }
            mail: { column: mail, caseExact: false }
            homeMail: { column: home_mail, caseExact: false }
            workPhone: { column: work_phone, caseExact: false }
            mobile: { column: mobile, caseExact: false }
            street: { column: street, caseExact: false }
            city: { column: city, caseExact: false }
            country: { column: country, caseExact: false }
            department: { column: department, caseExact: false }
            costCenter: { column: cost_center, caseExact: true }
            employeeNumber: { column: employee_number, caseExact: false }
            badge: { column: badge }
          references:
            manager: { column: manager_id, objectType: person }
          multiValued:
            roles: { table: person_roles, key: [person_id], value: role }
        team:
          table: teams
          anchor: [id]
          anchorAssigned: true
          attributes:
            id: { column: id }
            name: { column: name, caseExact: false }
          multiValued:
            members: { table: team_members, key: [team_id], reference: { columns: [person_id], objectType: person } }
        device:
          table: devices
          anchor: [id]
          anchorAssigned: true
          attributes:
            id: { column: id }
            serial: { column: serial, caseExact: false }
          references:
            owner: { column: owner_id, objectType: person }
    objectTypes:
      person:
        resourceType: User
        queryable: [lastName]
        mapping:
          userName: login
          name.givenName: firstName
          name.familyName: lastName
          displayName: display
          title: title
          locale: locale
          timezone: timezone
          'emails[type eq "work"].value': mail
          'emails[type eq "home"].value': homeMail
          'phoneNumbers[type eq "work"].value': workPhone
          'phoneNumbers[type eq "mobile"].value': mobile
          'addresses[type eq "work"].streetAddress': street
          'addresses[type eq "work"].locality': city
          'addresses[type eq "work"].country': country
          roles.value: roles
          active: { attribute: status, values: { 'true': A, 'false': D } }
          '${ENTERPRISE}:department': department
          '${ENTERPRISE}:costCenter': costCenter
          '${ENTERPRISE}:employeeNumber': employeeNumber
          '${ENTERPRISE}:manager': manager
      team:
        resourceType: Group
        mapping:
          displayName: name
          members: members
      device:
        resourceType: Device
        mapping:
          serial: serial
`;
}
