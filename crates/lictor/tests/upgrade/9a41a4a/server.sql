PRAGMA application_id = 1279869780;
PRAGMA user_version = 23;
BEGIN TRANSACTION;
CREATE TABLE refinery_schema_history(
             version int4 PRIMARY KEY,
             name VARCHAR(255),
             applied_on VARCHAR(255),
             checksum VARCHAR(255));
INSERT INTO refinery_schema_history VALUES(1,'foundation','2026-11-30T10:55:33.968539563Z','16816346875064545823');
INSERT INTO refinery_schema_history VALUES(2,'seats','2026-11-30T10:55:33.968543859Z','14260739876914903161');
INSERT INTO refinery_schema_history VALUES(3,'clients','2026-11-30T10:55:33.968547927Z','2681244450140471317');
INSERT INTO refinery_schema_history VALUES(4,'nodes','2026-11-30T10:55:33.96854875Z','16835064248006618390');
INSERT INTO refinery_schema_history VALUES(5,'license_dates','2026-11-30T10:55:33.968549268Z','2870434085008900527');
INSERT INTO refinery_schema_history VALUES(6,'elapsed','2026-11-30T10:55:33.96855293Z','8855788108494151798');
INSERT INTO refinery_schema_history VALUES(7,'usage','2026-11-30T10:55:33.968553672Z','11165060200012782735');
INSERT INTO refinery_schema_history VALUES(8,'keys','2026-11-30T10:55:33.968555515Z','15190633523403109416');
INSERT INTO refinery_schema_history VALUES(9,'ended','2026-11-30T10:55:33.96855617Z','5160609002878081741');
INSERT INTO refinery_schema_history VALUES(10,'searched','2026-11-30T10:55:33.96855809Z','3656463065119215989');
INSERT INTO refinery_schema_history VALUES(11,'quotas','2026-11-30T10:55:33.968559085Z','1477919672571558615');
INSERT INTO refinery_schema_history VALUES(12,'usage_sums','2026-11-30T10:55:33.968560028Z','12093478451621641444');
INSERT INTO refinery_schema_history VALUES(13,'sources','2026-11-30T10:55:33.968560367Z','17295902064795620525');
INSERT INTO refinery_schema_history VALUES(14,'index_later','2026-11-30T10:55:33.968560665Z','2894321977904758337');
INSERT INTO refinery_schema_history VALUES(15,'node_starts','2026-11-30T10:55:33.968561114Z','6881739235355114351');
INSERT INTO refinery_schema_history VALUES(16,'basis','2026-11-30T10:55:33.968561388Z','16505535542478493375');
INSERT INTO refinery_schema_history VALUES(17,'origins','2026-11-30T10:55:33.968561822Z','17092292758365498592');
INSERT INTO refinery_schema_history VALUES(18,'removed','2026-11-30T10:55:33.968562354Z','9280781367724292425');
INSERT INTO refinery_schema_history VALUES(19,'pools','2026-11-30T10:55:33.968562707Z','5178113366999760176');
INSERT INTO refinery_schema_history VALUES(20,'live_nodes','2026-11-30T10:55:33.968563162Z','10535120063109316702');
INSERT INTO refinery_schema_history VALUES(21,'left_nodes','2026-11-30T10:55:33.968563423Z','16945204445694528049');
INSERT INTO refinery_schema_history VALUES(22,'license_dates','2026-11-30T10:55:33.968565134Z','905881031608863200');
INSERT INTO refinery_schema_history VALUES(23,'those_that_are_there','2026-11-30T10:55:33.9685655Z','13840109371923406016');
CREATE TABLE heads (
    stream            BLOB    NOT NULL CHECK (length(stream) = 16),
    position          INTEGER NOT NULL CHECK (position >= 0),
    hash              BLOB    NOT NULL CHECK (length(hash) = 32),
    newest_updated_at INTEGER NOT NULL,
    removed           INTEGER NOT NULL CHECK (removed IN (0, 1)), basis_changed INTEGER NOT NULL DEFAULT 0, quotas TEXT, used_accounts INTEGER NOT NULL DEFAULT 0 CHECK (used_accounts >= 0), used_licenses INTEGER NOT NULL DEFAULT 0 CHECK (used_licenses >= 0), used_applications INTEGER NOT NULL DEFAULT 0
    CHECK (used_applications >= 0), used_tokens INTEGER NOT NULL DEFAULT 0 CHECK (used_tokens >= 0), used_clients INTEGER NOT NULL DEFAULT 0 CHECK (used_clients >= 0), used_nodes INTEGER NOT NULL DEFAULT 0 CHECK (used_nodes >= 0), used_seats INTEGER NOT NULL DEFAULT 0 CHECK (used_seats >= 0), used_leases INTEGER NOT NULL DEFAULT 0 CHECK (used_leases >= 0), used_usage_epochs INTEGER NOT NULL DEFAULT 0
    CHECK (used_usage_epochs >= 0), used_kept_answers INTEGER NOT NULL DEFAULT 0
    CHECK (used_kept_answers >= 0), used_refusals INTEGER NOT NULL DEFAULT 0 CHECK (used_refusals >= 0), used_ended_leases INTEGER NOT NULL DEFAULT 0
    CHECK (used_ended_leases >= 0), used_entries_per_day INTEGER NOT NULL DEFAULT 0
    CHECK (used_entries_per_day >= 0), day INTEGER NOT NULL DEFAULT 0, entry_bytes INTEGER NOT NULL DEFAULT 0 CHECK (entry_bytes >= 0), payload_bytes INTEGER NOT NULL DEFAULT 0 CHECK (payload_bytes >= 0), ended_leases_dropped INTEGER NOT NULL DEFAULT 0
    CHECK (ended_leases_dropped >= 0), used_node_pools INTEGER NOT NULL DEFAULT 0
    CHECK (used_node_pools >= 0),
    PRIMARY KEY (stream)
) STRICT, WITHOUT ROWID;
INSERT INTO heads VALUES(X'00000000000000000000000000000000',4,X'063f44ae946cef4ae49b1277508b00c28fa68f9fd1798637c165387ff89739c4',0,0,1,NULL,0,0,0,1,0,0,0,0,0,0,0,0,4,20787,825,0,0,0);
INSERT INTO heads VALUES(X'01a22c18849d72058b028f3a99aa8ba6',27,X'fe5ca18d7bba97109856ad2214519d1de62e042510ee319036ce80285450ec62',0,0,0,NULL,0,0,3,0,0,6,0,0,0,0,0,0,27,20787,6270,0,0,1);
INSERT INTO heads VALUES(X'01a22c1884b2756ba6dc515b2c829b93',4,X'81ea8dc3031386d2516bee588e389fcb74b01b29a9b0f0f28e269b2b09719103',0,0,0,NULL,0,0,1,0,0,1,0,0,0,0,0,0,4,20787,941,0,0,1);
CREATE TABLE entries (
    stream   BLOB    NOT NULL CHECK (length(stream) = 16),
    position INTEGER NOT NULL CHECK (position > 0),
    hash     BLOB    NOT NULL CHECK (length(hash) = 32),
    body     TEXT    NOT NULL,
    PRIMARY KEY (stream, position)
) STRICT;
INSERT INTO entries VALUES(X'00000000000000000000000000000000',1,X'5b9ba01318aa5deb6df553bf931633689c11b1d8b1f6af2a79375450f9586ec7','{"stream":"00000000-0000-0000-0000-000000000000","position":1,"at":1796036134,"actor":null,"change":{"type":"policy_set","policy":"verified"}}');
INSERT INTO entries VALUES(X'00000000000000000000000000000000',2,X'ae7f8794510a2fbc68ed0eda0476c7159db498e993deb0ae2a397fd034625443','{"stream":"00000000-0000-0000-0000-000000000000","position":2,"at":1796036134,"actor":null,"change":{"type":"organization_created","id":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","key":"default","number":2669841373933046}}');
INSERT INTO entries VALUES(X'00000000000000000000000000000000',3,X'6c11bc057c5743be2ea28bd18550fe8571fc5422d97461f63dbbc6f0d202f24b','{"stream":"00000000-0000-0000-0000-000000000000","position":3,"at":1796036134,"actor":null,"change":{"type":"token_created","id":"01a22c18-849f-746d-b15a-af7bebeb6a5d","role":"operator","scopes":[],"expires_at":null}}');
INSERT INTO entries VALUES(X'00000000000000000000000000000000',4,X'063f44ae946cef4ae49b1277508b00c28fa68f9fd1798637c165387ff89739c4','{"stream":"00000000-0000-0000-0000-000000000000","position":4,"at":1796036134,"actor":"01a22c18-849f-746d-b15a-af7bebeb6a5d","change":{"type":"organization_created","id":"01a22c18-84b2-756b-a6dc-515b2c829b93","key":"acme","number":275104532567516}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',1,X'afd0d8b10b2f6baa2a0750384247aa1cd3157f68b079acf69e47001bf8708f73','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":1,"at":1796036134,"actor":"01a22c18-849f-746d-b15a-af7bebeb6a5d","change":{"type":"application_created","key":"konnect"}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',2,X'6b70f4fcbef977d76f34180cfc2c78329faa16bfc45a82770dc8ad37e92bbd31','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":2,"at":1796036134,"actor":"01a22c18-849f-746d-b15a-af7bebeb6a5d","change":{"type":"application_created","key":"editor"}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',3,X'6d4771baddcf546d53687dd5f67b7582df7f608a0485ddf4812ba40c4e16bf70','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":3,"at":1796036134,"actor":"01a22c18-849f-746d-b15a-af7bebeb6a5d","change":{"type":"application_created","key":"kong"}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',4,X'b405625b180571b0dcdb109391522b63f1bb6fd0ca739bb3defd4a9c735ddde1','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":4,"at":1796036134,"actor":"01a22c18-849f-746d-b15a-af7bebeb6a5d","change":{"type":"node_enrolled","id":"01a22c18-84f4-70a5-a057-ef756f2c6493","application":"konnect","limit":null,"enrolled":1}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',5,X'6769fad9db36a293421c8e1f1db6f02116c2afd3438fe9dafab9416b30d4f6bc','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":5,"at":1796036134,"actor":"01a22c18-849f-746d-b15a-af7bebeb6a5d","change":{"type":"node_enrolled","id":"01a22c18-8508-7265-a6ad-2d5e619fd956","application":"konnect","limit":null,"enrolled":2}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',6,X'0a295f8f9428b9581a036266c21b8b0cac29a4a3da05d0d6c855ee6b0cfb8b20','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":6,"at":1796036134,"actor":"01a22c18-849f-746d-b15a-af7bebeb6a5d","change":{"type":"node_enrolled","id":"01a22c18-8512-7d2d-b64c-b0777fa410d7","application":"konnect","limit":null,"enrolled":3}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',7,X'a4cd9966b9c3837f24a96c910988c089b3184f89a699b412e17298c8d9c64ac3','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":7,"at":1796036134,"actor":"01a22c18-849f-746d-b15a-af7bebeb6a5d","change":{"type":"node_enrolled","id":"01a22c18-8519-7d32-83ae-5b3c624854a2","application":"konnect","limit":null,"enrolled":4}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',8,X'03e506342388dd4bda68d55a193a4b8858a9904a79812e1959c98a3dc0a1c574','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":8,"at":1796036134,"actor":"01a22c18-849f-746d-b15a-af7bebeb6a5d","change":{"type":"node_enrolled","id":"01a22c18-851e-7050-8730-a37b91ad197d","application":"editor","limit":null,"enrolled":1}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',9,X'87670ffd2b00c8902d0119f0bb18e351437af10087f091567d22c4e0e102f6fd','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":9,"at":1796036134,"actor":"01a22c18-84f4-70a5-a057-ef756f2c6493","change":{"type":"node_joined","id":"01a22c18-84f4-70a5-a057-ef756f2c6493"}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',10,X'93417b95eda479f2cac028c525dc64463b2770fd130bd63155e7b151dc4fcfeb','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":10,"at":1796036134,"actor":"01a22c18-8512-7d2d-b64c-b0777fa410d7","change":{"type":"node_joined","id":"01a22c18-8512-7d2d-b64c-b0777fa410d7"}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',11,X'5845990490c73b2729ea4f771210eb6ab5cad915ba60589fbf99c7f6f38b8d39','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":11,"at":1796036134,"actor":"01a22c18-849f-746d-b15a-af7bebeb6a5d","change":{"type":"node_pool_created","id":"01a22c18-856f-764f-8437-79472a581982","application":"konnect","uses":5,"forget_after":3600}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',12,X'e9917ea5d0055fe7e0888cbc639ab4aa0672603ed1f75fd8378b489f51a38a23','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":12,"at":1796036134,"actor":"01a22c18-857c-7b8a-881e-1b5509c5d688","change":{"type":"node_enrolled","id":"01a22c18-857c-7b8a-881e-1b5509c5d688","application":"konnect","limit":null,"enrolled":5,"pool":"01a22c18-856f-764f-8437-79472a581982"}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',13,X'753d7dc51f75bd76b29252eac0adaaf2658263644d03fff3d036a5115f8a8d1c','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":13,"at":1796036134,"actor":"01a22c18-857c-7b8a-881e-1b5509c5d688","change":{"type":"node_joined","id":"01a22c18-857c-7b8a-881e-1b5509c5d688"}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',14,X'd65bb3c401114105e0336cdb2010080a397c796417e9367f87acebc6c75c2ff0','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":14,"at":1796036134,"actor":"01a22c18-8596-7250-981a-406d36ed7ac0","change":{"type":"node_enrolled","id":"01a22c18-8596-7250-981a-406d36ed7ac0","application":"konnect","limit":null,"enrolled":6,"pool":"01a22c18-856f-764f-8437-79472a581982"}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',15,X'065778a4a947067323224ef299ac2d4b2c875d880f917bc3c291c41fb23bdc3c','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":15,"at":1796036134,"actor":"01a22c18-8596-7250-981a-406d36ed7ac0","change":{"type":"node_joined","id":"01a22c18-8596-7250-981a-406d36ed7ac0"}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',16,X'f31b3a57dfed6dc04f37d61fd31872230897ab10e6f8df44ee3e922a179201da','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":16,"at":1796036134,"actor":"01a22c18-85ad-704e-adc2-c49c90574c10","change":{"type":"node_enrolled","id":"01a22c18-85ad-704e-adc2-c49c90574c10","application":"konnect","limit":null,"enrolled":7,"pool":"01a22c18-856f-764f-8437-79472a581982"}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',17,X'38fdefb64eaab84b132fa08e60e4e8915b827ed3d1c4ee08e9f9fe09928b34ce','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":17,"at":1796036134,"actor":"01a22c18-85ad-704e-adc2-c49c90574c10","change":{"type":"node_joined","id":"01a22c18-85ad-704e-adc2-c49c90574c10"}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',18,X'90940fc381a27dc491b50b93f93286810a9236191bc289d95e3f4917bcc18c18','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":18,"at":1796036134,"actor":"01a22c18-85d9-748d-867c-42f1fc716ca4","change":{"type":"node_enrolled","id":"01a22c18-85d9-748d-867c-42f1fc716ca4","application":"konnect","limit":null,"enrolled":8,"pool":"01a22c18-856f-764f-8437-79472a581982"}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',19,X'f27127bba847de23a5ed774c40bca2ba81b9d212d8dbd40885ed21eab1a6bdef','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":19,"at":1796036134,"actor":"01a22c18-85d9-748d-867c-42f1fc716ca4","change":{"type":"node_joined","id":"01a22c18-85d9-748d-867c-42f1fc716ca4"}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',20,X'29d2444cb765b2a6feef3027ddd2ef7087e4c54abc2d3d45bb7a302f2b98f2e0','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":20,"at":1796036134,"actor":"01a22c18-849f-746d-b15a-af7bebeb6a5d","change":{"type":"node_pool_created","id":"01a22c18-85f3-74c7-856c-224ba9bbcc59","application":"konnect","uses":2,"forget_after":3600}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',21,X'3eef16f14952e19b24b9c3c6405bcef7e51c5c2b59ee1f1cef3397cf163d62b6','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":21,"at":1796036134,"actor":"01a22c18-8608-76b1-8c57-d0021838af7d","change":{"type":"node_enrolled","id":"01a22c18-8608-76b1-8c57-d0021838af7d","application":"konnect","limit":null,"enrolled":9,"pool":"01a22c18-85f3-74c7-856c-224ba9bbcc59"}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',22,X'20effef5eec80d0079a675f4d1b197b69c72b384e4efb536101d530a13be4e95','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":22,"at":1796036134,"actor":"01a22c18-8608-76b1-8c57-d0021838af7d","change":{"type":"node_joined","id":"01a22c18-8608-76b1-8c57-d0021838af7d"}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',23,X'd1bdcdd51614963aea2aa594aee4451e3f05d57fc282d6b6d9308108ce06891f','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":23,"at":1796036134,"actor":"01a22c18-857c-7b8a-881e-1b5509c5d688","change":{"type":"node_left","id":"01a22c18-857c-7b8a-881e-1b5509c5d688","by":"goodbye"}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',24,X'09a1742449ec2e5bc306be89f769020dfe466d0a138c4e719fbd8a3aab7fe913','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":24,"at":1796036134,"actor":"01a22c18-849f-746d-b15a-af7bebeb6a5d","change":{"type":"node_revoked","id":"01a22c18-8596-7250-981a-406d36ed7ac0"}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',25,X'40cfbb53ecad61c09d3ab2b823338198844d553c4d2907764df9eba065576448','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":25,"at":1796036134,"actor":"01a22c18-849f-746d-b15a-af7bebeb6a5d","change":{"type":"node_revoked","id":"01a22c18-8512-7d2d-b64c-b0777fa410d7"}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',26,X'd3599e4e426e3f457cfd28252d46cc9ab567a33a7c1bf1e55a50dde6b20cadab','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":26,"at":1796036134,"actor":"01a22c18-849f-746d-b15a-af7bebeb6a5d","change":{"type":"node_revoked","id":"01a22c18-8519-7d32-83ae-5b3c624854a2"}}');
INSERT INTO entries VALUES(X'01a22c18849d72058b028f3a99aa8ba6',27,X'fe5ca18d7bba97109856ad2214519d1de62e042510ee319036ce80285450ec62','{"stream":"01a22c18-849d-7205-8b02-8f3a99aa8ba6","position":27,"at":1796036134,"actor":"01a22c18-849f-746d-b15a-af7bebeb6a5d","change":{"type":"node_pool_revoked","id":"01a22c18-85f3-74c7-856c-224ba9bbcc59"}}');
INSERT INTO entries VALUES(X'01a22c1884b2756ba6dc515b2c829b93',1,X'124843001519e916aa0805054bf78f178adbb3a602b661f2d03f2ea02df5d2cb','{"stream":"01a22c18-84b2-756b-a6dc-515b2c829b93","position":1,"at":1796036134,"actor":"01a22c18-849f-746d-b15a-af7bebeb6a5d","change":{"type":"application_created","key":"konnect"}}');
INSERT INTO entries VALUES(X'01a22c1884b2756ba6dc515b2c829b93',2,X'9c8b1299dcd8a1e7339cfee2b5fd790e3e2ec9aad304597a9d5e35800aa5eec0','{"stream":"01a22c18-84b2-756b-a6dc-515b2c829b93","position":2,"at":1796036134,"actor":"01a22c18-849f-746d-b15a-af7bebeb6a5d","change":{"type":"node_pool_created","id":"01a22c18-8697-7514-84a6-cf77b750b2dc","application":"konnect","uses":3,"forget_after":3600}}');
INSERT INTO entries VALUES(X'01a22c1884b2756ba6dc515b2c829b93',3,X'aec188ecc207db0e97a99696a0b1159107ee269523c2fb497e0ac95261bd321a','{"stream":"01a22c18-84b2-756b-a6dc-515b2c829b93","position":3,"at":1796036134,"actor":"01a22c18-86c0-78a7-b9c4-86c0c839e7d7","change":{"type":"node_enrolled","id":"01a22c18-86c0-78a7-b9c4-86c0c839e7d7","application":"konnect","limit":null,"enrolled":1,"pool":"01a22c18-8697-7514-84a6-cf77b750b2dc"}}');
INSERT INTO entries VALUES(X'01a22c1884b2756ba6dc515b2c829b93',4,X'81ea8dc3031386d2516bee588e389fcb74b01b29a9b0f0f28e269b2b09719103','{"stream":"01a22c18-84b2-756b-a6dc-515b2c829b93","position":4,"at":1796036134,"actor":"01a22c18-86c0-78a7-b9c4-86c0c839e7d7","change":{"type":"node_joined","id":"01a22c18-86c0-78a7-b9c4-86c0c839e7d7"}}');
CREATE TABLE organizations (
    id         BLOB    NOT NULL CHECK (length(id) = 16),
    key        TEXT    NOT NULL CHECK (length(key) BETWEEN 1 AND 63),
    number     INTEGER NOT NULL CHECK (number BETWEEN 0 AND 9007199254740991),
    name       TEXT,
    created_at INTEGER NOT NULL,
    removed    INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1)), erased INTEGER NOT NULL DEFAULT 0 CHECK (erased IN (0, 1)),
    PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;
INSERT INTO organizations VALUES(X'01a22c18849d72058b028f3a99aa8ba6','default',2669841373933046,NULL,1796036134,0,0);
INSERT INTO organizations VALUES(X'01a22c1884b2756ba6dc515b2c829b93','acme',275104532567516,NULL,1796036134,0,0);
CREATE TABLE settings (
    name  TEXT NOT NULL CHECK (name IN ('policy')),
    value TEXT NOT NULL,
    PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;
INSERT INTO settings VALUES('policy','verified');
CREATE TABLE trusted_keys (
    id         TEXT NOT NULL CHECK (length(id) = 16),
    public_key BLOB NOT NULL CHECK (length(public_key) = 32),
    status     TEXT NOT NULL CHECK (status IN ('active', 'retired', 'revoked')), rotation TEXT,
    PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;
CREATE TABLE tokens (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    id              BLOB    NOT NULL CHECK (length(id) = 16),
    role            TEXT    NOT NULL CHECK (role IN ('reader', 'admin', 'operator')),
    scopes          TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER,
    revoked_at      INTEGER,
    secret_sha256   BLOB    CHECK (length(secret_sha256) = 32),
    name            TEXT, account_id BLOB CHECK (length(account_id) = 16), origin TEXT,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
INSERT INTO tokens VALUES(X'00000000000000000000000000000000',X'01a22c18849f746db15aaf7bebeb6a5d','operator','[]',1796036134,NULL,NULL,X'6b5f9e21f1ea6325bcc64bd1abaf016783a67770451d303278fea80bbb99a998','operator',NULL,'environment');
CREATE TABLE applications (
    organization_id BLOB NOT NULL CHECK (length(organization_id) = 16),
    key             TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 64), name TEXT, over_limit TEXT NOT NULL DEFAULT 'refuse'
    CHECK (over_limit IN ('refuse', 'allow')), seats INTEGER NOT NULL DEFAULT 0 CHECK (seats >= 0), leases INTEGER NOT NULL DEFAULT 0 CHECK (leases >= 0), ceiling INTEGER
    CHECK (ceiling IS NULL OR seats + leases <= ceiling), licenses INTEGER NOT NULL DEFAULT 0 CHECK (licenses >= 0), license_revisions INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (organization_id, key)
) STRICT, WITHOUT ROWID;
INSERT INTO applications VALUES(X'01a22c18849d72058b028f3a99aa8ba6','editor',NULL,'refuse',0,0,NULL,0,0);
INSERT INTO applications VALUES(X'01a22c18849d72058b028f3a99aa8ba6','kong',NULL,'refuse',0,0,NULL,0,0);
INSERT INTO applications VALUES(X'01a22c18849d72058b028f3a99aa8ba6','konnect',NULL,'refuse',0,0,NULL,0,0);
INSERT INTO applications VALUES(X'01a22c1884b2756ba6dc515b2c829b93','konnect',NULL,'refuse',0,0,NULL,0,0);
CREATE TABLE licenses (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    id              BLOB    NOT NULL CHECK (length(id) = 16),
    application     TEXT    NOT NULL,
    payload_sha256  BLOB    NOT NULL CHECK (length(payload_sha256) = 32),
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    revision        INTEGER NOT NULL CHECK (revision > 0), begins_at INTEGER, ends_at INTEGER,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE payloads (
    organization_id BLOB NOT NULL CHECK (length(organization_id) = 16),
    sha256          BLOB NOT NULL CHECK (length(sha256) = 32),
    text            TEXT NOT NULL,
    PRIMARY KEY (organization_id, sha256)
) STRICT;
CREATE TABLE usage (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    month           TEXT    NOT NULL CHECK (length(month) = 7),
    service         TEXT    NOT NULL,
    source          TEXT    NOT NULL,
    count           INTEGER NOT NULL CHECK (count BETWEEN 0 AND 9007199254740991), added INTEGER NOT NULL DEFAULT 0
    CHECK (count + added BETWEEN 0 AND 9007199254740991 AND added >= 0), correction INTEGER NOT NULL DEFAULT 0
    CHECK (count + added + correction BETWEEN 0 AND 9007199254740991),
    PRIMARY KEY (organization_id, month, service, source)
) STRICT, WITHOUT ROWID;
CREATE TABLE answers (
    token          BLOB    NOT NULL CHECK (length(token) = 16),
    route          TEXT    NOT NULL,
    key            TEXT    NOT NULL,
    request_sha256 BLOB    NOT NULL CHECK (length(request_sha256) = 32),
    status         INTEGER NOT NULL CHECK (status BETWEEN 100 AND 999),
    body           TEXT    NOT NULL,
    expires_at     INTEGER NOT NULL, organization_id BLOB CHECK (length(organization_id) = 16), subject TEXT,
    PRIMARY KEY (token, route, key)
) STRICT;
CREATE TABLE accounts (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    id              BLOB    NOT NULL CHECK (length(id) = 16),
    number          INTEGER NOT NULL CHECK (number BETWEEN 1 AND 9007199254740991),
    kind            TEXT    NOT NULL CHECK (kind IN ('person', 'service')),
    status          TEXT    NOT NULL
        CHECK (status IN ('invited', 'active', 'deactivated', 'removed')),
    administrator   INTEGER NOT NULL CHECK (administrator IN (0, 1)),
    language        TEXT    NOT NULL CHECK (length(language) = 5),
    seats           INTEGER NOT NULL CHECK (seats >= 0),
    created_at      INTEGER NOT NULL,
    revision        INTEGER NOT NULL CHECK (revision > 0),
    email           TEXT,
    email_key       TEXT,
    name            TEXT,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE account_counts (
    organization_id       BLOB    NOT NULL CHECK (length(organization_id) = 16),
    invited               INTEGER NOT NULL CHECK (invited >= 0),
    active                INTEGER NOT NULL CHECK (active >= 0),
    deactivated           INTEGER NOT NULL CHECK (deactivated >= 0),
    removed               INTEGER NOT NULL CHECK (removed >= 0),
    administrators        INTEGER NOT NULL CHECK (administrators >= 0),
    holders               INTEGER NOT NULL CHECK (holders >= 0),
    active_holders        INTEGER NOT NULL CHECK (active_holders >= 0),
    administrator_holders INTEGER NOT NULL CHECK (administrator_holders >= 0),
    services              INTEGER NOT NULL CHECK (services >= 0),
    PRIMARY KEY (organization_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE seats (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    application     TEXT    NOT NULL,
    account_id      BLOB    NOT NULL CHECK (length(account_id) = 16),
    since           INTEGER NOT NULL,
    revision        INTEGER NOT NULL CHECK (revision > 0),
    PRIMARY KEY (organization_id, application, account_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE leases (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    id              BLOB    NOT NULL CHECK (length(id) = 16),
    application     TEXT    NOT NULL,
    since           INTEGER NOT NULL,
    revision        INTEGER NOT NULL CHECK (revision > 0),
    holder          TEXT,
    fence           INTEGER CHECK (fence > 0),
    expires_at      INTEGER, holder_key TEXT,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE refusals (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    minute          INTEGER NOT NULL,
    application     TEXT    NOT NULL,
    kind            TEXT    NOT NULL CHECK (kind IN ('account', 'lease')),
    holder          TEXT    NOT NULL,
    reason          TEXT    NOT NULL
        CHECK (reason IN ('service', 'deactivated', 'unlicensed', 'exhausted')),
    count           INTEGER NOT NULL CHECK (count > 0),
    seat_limit      INTEGER,
    used            INTEGER NOT NULL,
    position        INTEGER NOT NULL, first_position INTEGER, holder_key TEXT,
    PRIMARY KEY (organization_id, minute, application, kind, holder, reason)
) STRICT, WITHOUT ROWID;
CREATE TABLE clients (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    id              BLOB    NOT NULL CHECK (length(id) = 16),
    account_id      BLOB    CHECK (length(account_id) = 16),
    application     TEXT,
    scopes          TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    removed_at      INTEGER,
    client_id       TEXT,
    secret_sha256   BLOB    CHECK (length(secret_sha256) = 32),
    name            TEXT,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE grants (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    id              BLOB    NOT NULL CHECK (length(id) = 16),
    client          BLOB    NOT NULL CHECK (length(client) = 16),
    by_code         INTEGER NOT NULL CHECK (by_code IN (0, 1)),
    created_at      INTEGER NOT NULL,
    revision        INTEGER NOT NULL CHECK (revision > 0),
    revoked_at      INTEGER,
    refresh_sha256  BLOB    CHECK (length(refresh_sha256) = 32),
    code_sha256     BLOB    CHECK (length(code_sha256) = 32), given_at INTEGER,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE codes (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    sha256          BLOB    NOT NULL CHECK (length(sha256) = 32),
    client          BLOB    NOT NULL CHECK (length(client) = 16),
    expires_at      INTEGER NOT NULL,
    PRIMARY KEY (organization_id, sha256)
) STRICT, WITHOUT ROWID;
CREATE TABLE access_tokens (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    sha256          BLOB    NOT NULL CHECK (length(sha256) = 32),
    client          BLOB    NOT NULL CHECK (length(client) = 16),
    grant_id        BLOB    CHECK (length(grant_id) = 16),
    scopes          TEXT    NOT NULL,
    ordinal         INTEGER NOT NULL CHECK (ordinal > 0),
    issued_at       INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    ended           INTEGER NOT NULL CHECK (ended IN (0, 1)),
    PRIMARY KEY (organization_id, sha256)
) STRICT, WITHOUT ROWID;
CREATE TABLE nodes (
    organization_id   BLOB    NOT NULL CHECK (length(organization_id) = 16),
    id                BLOB    NOT NULL CHECK (length(id) = 16),
    application       TEXT    NOT NULL,
    created_at        INTEGER NOT NULL,
    joined_at         INTEGER,
    revoked_at        INTEGER,
    name              TEXT    CHECK (length(name) BETWEEN 1 AND 63),
    token_sha256      BLOB    CHECK (length(token_sha256) = 32),
    token_expires_at  INTEGER,
    credential_sha256 BLOB    CHECK (length(credential_sha256) = 32),
    -- What it last said of itself, as JSON.
    seen              TEXT, starts TEXT, pool BLOB CHECK (length(pool) = 16), left_by TEXT,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
INSERT INTO nodes VALUES(X'01a22c18849d72058b028f3a99aa8ba6',X'01a22c1884f470a5a057ef756f2c6493','konnect',1796036134,1796036134,NULL,'edge-1',X'5f64f1e9f1fb320a2d3e2bd6994ddbe7f4a56858affabee159a0a1a4e63b9d5d',1796122534,X'4f46c8cc2e34be5538891588b5b2ae2e7e10fd5c6a6675cac5db75ae7b945264','{"at":1796036134,"heard_at":1796036134,"host":"vm","version":"0.1.0","mode":"fresh","applied":{"revision":2,"issued_at":1796036134,"content_sha256":"5a5560b80b08ed5dff3cb5c7c6b02a163713ab90c0988f2798e2f901676f93fa"},"control_plane":"6a3803d5f059902a1c6dafbc9ba4729212f7caac08634cc3ae76b27529f03827","license":null,"requests":0,"problems":["denies all requests: unlicensed: no license for this application is in force at this node; add one, and see the node''s status"]}','[{"epoch":"328ee199838238d8","start":"0aee80cc-54f2-4aa8-8146-ceb16dadca45"}]',NULL,NULL);
INSERT INTO nodes VALUES(X'01a22c18849d72058b028f3a99aa8ba6',X'01a22c1885087265a6ad2d5e619fd956','konnect',1796036134,NULL,NULL,'waiting',X'0f8f811a7d6e6be3a0e30e3d7316aa32f2dcb128ea6c4fd0eb0095bf82025c3c',1796122534,NULL,NULL,NULL,NULL,NULL);
INSERT INTO nodes VALUES(X'01a22c18849d72058b028f3a99aa8ba6',X'01a22c1885127d2db64cb0777fa410d7','konnect',1796036134,1796036134,1796036134,'gone',X'445d2fc486e8d220130a673c2d7679bdd00721fe7f0bebf73f948ff401a6b8fe',1796122534,X'49e05f40ae6cd097ec8561ac180b5df022d785c46980779e1381dcea3f81c6ea','{"at":1796036134,"heard_at":1796036134,"host":"vm","version":"0.1.0","mode":"fresh","applied":{"revision":2,"issued_at":1796036134,"content_sha256":"5a5560b80b08ed5dff3cb5c7c6b02a163713ab90c0988f2798e2f901676f93fa"},"control_plane":"6a3803d5f059902a1c6dafbc9ba4729212f7caac08634cc3ae76b27529f03827","license":null,"requests":0,"problems":["denies all requests: unlicensed: no license for this application is in force at this node; add one, and see the node''s status"]}','[{"epoch":"73086d66d9a1f7a7","start":"a4ee2ea1-ef7c-4ce4-af0c-13457452aac4"}]',NULL,NULL);
INSERT INTO nodes VALUES(X'01a22c18849d72058b028f3a99aa8ba6',X'01a22c1885197d3283ae5b3c624854a2','konnect',1796036134,NULL,1796036134,'gone-early',X'eb82a1bd1a004cc512a97ad69a557649459c836cca2f044be7f20b53f837b7e4',1796122534,NULL,NULL,NULL,NULL,NULL);
INSERT INTO nodes VALUES(X'01a22c18849d72058b028f3a99aa8ba6',X'01a22c18851e70508730a37b91ad197d','editor',1796036134,NULL,NULL,'solo',X'46825129f35cb6d71d0ff61f6e97bb985930ccbcea96fdf6ad5ebba90d3b6ea5',1796122534,NULL,NULL,NULL,NULL,NULL);
INSERT INTO nodes VALUES(X'01a22c18849d72058b028f3a99aa8ba6',X'01a22c18857c7b8a881e1b5509c5d688','konnect',1796036134,1796036134,1796036134,'edge-1b5509c5d688',NULL,1796036134,X'f3339bfe70ab32eed251d4e05086cdfe0d56c8b8bc92ed99bc17611a0704b228','{"at":1796036134,"heard_at":1796036134,"host":"vm","version":"0.1.0","mode":"fresh","applied":{"revision":2,"issued_at":1796036134,"content_sha256":"5a5560b80b08ed5dff3cb5c7c6b02a163713ab90c0988f2798e2f901676f93fa"},"control_plane":"6a3803d5f059902a1c6dafbc9ba4729212f7caac08634cc3ae76b27529f03827","license":null,"requests":0,"problems":["denies all requests: unlicensed: no license for this application is in force at this node; add one, and see the node''s status"]}','[{"epoch":"ffc3c0c4491bca8a","start":"26fdd16e-ecfe-44ac-85c6-4e7a6502ac71","left":true}]',X'01a22c18856f764f843779472a581982','goodbye');
INSERT INTO nodes VALUES(X'01a22c18849d72058b028f3a99aa8ba6',X'01a22c1885967250981a406d36ed7ac0','konnect',1796036134,1796036134,1796036134,'edge-406d36ed7ac0',NULL,1796036134,X'a77b0c2fd405febdc8c1682f97b01c74e5f60c6034a2c1184ff18caf6a98d8af','{"at":1796036134,"heard_at":1796036134,"host":"vm","version":"0.1.0","mode":"fresh","applied":{"revision":2,"issued_at":1796036134,"content_sha256":"5a5560b80b08ed5dff3cb5c7c6b02a163713ab90c0988f2798e2f901676f93fa"},"control_plane":"6a3803d5f059902a1c6dafbc9ba4729212f7caac08634cc3ae76b27529f03827","license":null,"requests":0,"problems":["denies all requests: unlicensed: no license for this application is in force at this node; add one, and see the node''s status"]}','[{"epoch":"0147c95438313100","start":"6b382adf-b978-4ff4-a7bf-fd5bb938ed94"}]',X'01a22c18856f764f843779472a581982',NULL);
INSERT INTO nodes VALUES(X'01a22c18849d72058b028f3a99aa8ba6',X'01a22c1885ad704eadc2c49c90574c10','konnect',1796036134,1796036134,NULL,'edge-c49c90574c10',NULL,1796036134,X'da489b57ea55feb499b0cbc4e584ca2cddf9ecdea3206a6773226bb8201cb3ea','{"at":1796036134,"heard_at":1796036134,"host":"vm","version":"0.1.0","mode":"fresh","applied":{"revision":2,"issued_at":1796036134,"content_sha256":"5a5560b80b08ed5dff3cb5c7c6b02a163713ab90c0988f2798e2f901676f93fa"},"control_plane":"6a3803d5f059902a1c6dafbc9ba4729212f7caac08634cc3ae76b27529f03827","license":null,"requests":0,"problems":["denies all requests: unlicensed: no license for this application is in force at this node; add one, and see the node''s status"]}','[{"epoch":"37f417e9f72fc9c3","start":"6aa40389-5bb2-4e16-980b-c2b3820e8b7f"}]',X'01a22c18856f764f843779472a581982',NULL);
INSERT INTO nodes VALUES(X'01a22c18849d72058b028f3a99aa8ba6',X'01a22c1885d9748d867c42f1fc716ca4','konnect',1796036134,1796036134,NULL,'edge-42f1fc716ca4',NULL,1796036134,X'80f89b5fee8f12c7c5b45dc2d49f5c55629d2aca91f698a0f4379f0b51e85b04','{"at":1796036134,"heard_at":1796036134,"host":"vm","version":"0.1.0","mode":"fresh","applied":{"revision":2,"issued_at":1796036134,"content_sha256":"5a5560b80b08ed5dff3cb5c7c6b02a163713ab90c0988f2798e2f901676f93fa"},"control_plane":"6a3803d5f059902a1c6dafbc9ba4729212f7caac08634cc3ae76b27529f03827","license":null,"requests":0,"problems":["denies all requests: unlicensed: no license for this application is in force at this node; add one, and see the node''s status"]}','[{"epoch":"009746d44fce93c2","start":"60cf49bc-38cf-440c-94e2-86136cf06abf"}]',X'01a22c18856f764f843779472a581982',NULL);
INSERT INTO nodes VALUES(X'01a22c18849d72058b028f3a99aa8ba6',X'01a22c18860876b18c57d0021838af7d','konnect',1796036134,1796036134,NULL,'retired-d0021838af7d',NULL,1796036134,X'a13a2efd690b555bed328a3d9b3becf28c7f31e0250a93d66f2ed28c1e43383f','{"at":1796036134,"heard_at":1796036134,"host":"vm","version":"0.1.0","mode":"fresh","applied":{"revision":2,"issued_at":1796036134,"content_sha256":"5a5560b80b08ed5dff3cb5c7c6b02a163713ab90c0988f2798e2f901676f93fa"},"control_plane":"6a3803d5f059902a1c6dafbc9ba4729212f7caac08634cc3ae76b27529f03827","license":null,"requests":0,"problems":["denies all requests: unlicensed: no license for this application is in force at this node; add one, and see the node''s status"]}','[{"epoch":"bb4b5745caefd62b","start":"c95ab0d9-8752-41b5-9cbf-987077dadb32"}]',X'01a22c1885f374c7856c224ba9bbcc59',NULL);
INSERT INTO nodes VALUES(X'01a22c1884b2756ba6dc515b2c829b93',X'01a22c1886c078a7b9c486c0c839e7d7','konnect',1796036134,1796036134,NULL,'edge-86c0c839e7d7',NULL,1796036134,X'86c4fe39311b2c992150d80f898357dd02d1556fe2abc3f33e5d9d999904f65d','{"at":1796036134,"heard_at":1796036134,"host":"vm","version":"0.1.0","mode":"fresh","applied":{"revision":2,"issued_at":1796036134,"content_sha256":"5a5560b80b08ed5dff3cb5c7c6b02a163713ab90c0988f2798e2f901676f93fa"},"control_plane":"6a3803d5f059902a1c6dafbc9ba4729212f7caac08634cc3ae76b27529f03827","license":null,"requests":0,"problems":["denies all requests: unlicensed: no license for this application is in force at this node; add one, and see the node''s status"]}','[{"epoch":"105295b76b52c69a","start":"a088f2e9-0d25-4783-be50-5094d422bef9"}]',X'01a22c188697751484a6cf77b750b2dc',NULL);
CREATE TABLE node_settings (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    stale_after     INTEGER NOT NULL CHECK (stale_after > 0),
    expires_after   INTEGER NOT NULL CHECK (expires_after >= stale_after),
    grace           INTEGER NOT NULL CHECK (grace >= 0),
    raised          INTEGER NOT NULL CHECK (raised >= 0),
    PRIMARY KEY (organization_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE clock (
    one     INTEGER NOT NULL CHECK (one = 1),
    elapsed INTEGER NOT NULL,
    wall    INTEGER NOT NULL,
    boot    INTEGER NOT NULL,
    boot_id BLOB    CHECK (length(boot_id) = 16),
    PRIMARY KEY (one)
) STRICT, WITHOUT ROWID;
INSERT INTO clock VALUES(1,1796036134043,1796036134042,14759588,X'70278f3e33f64fb0b49fd6470c90c47f');
CREATE TABLE usage_epochs (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    source          TEXT    NOT NULL,
    service         TEXT    NOT NULL,
    epoch           TEXT    NOT NULL CHECK (length(epoch) BETWEEN 1 AND 64),
    total           INTEGER NOT NULL CHECK (total BETWEEN 0 AND 9007199254740991), heard_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (organization_id, source, service, epoch)
) STRICT, WITHOUT ROWID;
CREATE TABLE usage_sums (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    total           INTEGER NOT NULL CHECK (total >= 0), services INTEGER NOT NULL DEFAULT 0 CHECK (services >= 0),
    PRIMARY KEY (organization_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE ended_leases_kept (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    position        INTEGER NOT NULL CHECK (position >= 0),
    since           INTEGER NOT NULL,
    PRIMARY KEY (organization_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE refusal_sums (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    hour            INTEGER NOT NULL,
    application     TEXT    NOT NULL,
    reason          TEXT    NOT NULL
        CHECK (reason IN ('service', 'deactivated', 'unlicensed', 'exhausted')),
    count           INTEGER NOT NULL CHECK (count > 0),
    PRIMARY KEY (organization_id, hour, application, reason)
) STRICT, WITHOUT ROWID;
CREATE TABLE usage_months (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    month           TEXT    NOT NULL CHECK (length(month) = 7),
    series          INTEGER NOT NULL CHECK (series >= 0),
    PRIMARY KEY (organization_id, month)
) STRICT, WITHOUT ROWID;
CREATE TABLE usage_month_sums (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    month           TEXT    NOT NULL CHECK (length(month) = 7),
    total           INTEGER NOT NULL CHECK (total >= 0),
    PRIMARY KEY (organization_id, month)
) STRICT, WITHOUT ROWID;
CREATE TABLE usage_services (
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    service         TEXT    NOT NULL,
    PRIMARY KEY (organization_id, service)
) STRICT, WITHOUT ROWID;
CREATE TABLE ended_leases (
    number          INTEGER PRIMARY KEY,
    organization_id BLOB    NOT NULL CHECK (length(organization_id) = 16),
    application     TEXT    NOT NULL,
    until           INTEGER NOT NULL,
    position        INTEGER NOT NULL CHECK (position > 0),
    id              BLOB    NOT NULL CHECK (length(id) = 16),
    since           INTEGER NOT NULL,
    reason          TEXT    NOT NULL CHECK (reason IN ('released', 'forced', 'expired')),
    holder          TEXT,
    holder_key      TEXT,
    in_index        INTEGER NOT NULL DEFAULT 0 CHECK (in_index IN (0, 1))
) STRICT;
CREATE TABLE node_pools (
    organization_id   BLOB    NOT NULL CHECK (length(organization_id) = 16),
    id                BLOB    NOT NULL CHECK (length(id) = 16),
    application       TEXT    NOT NULL,
    uses              INTEGER NOT NULL CHECK (uses > 0),
    forget_after      INTEGER NOT NULL CHECK (forget_after > 0),
    created_at        INTEGER NOT NULL,
    revoked_at        INTEGER,
    name              TEXT    CHECK (length(name) BETWEEN 1 AND 63),
    token_sha256      BLOB    CHECK (length(token_sha256) = 32),
    token_expires_at  INTEGER,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
INSERT INTO node_pools VALUES(X'01a22c18849d72058b028f3a99aa8ba6',X'01a22c18856f764f843779472a581982','konnect',5,3600,1796036134,NULL,'edge',X'230a3dfd0ce3fdb203978e063e66cb310728dbe503832ff84cbeac2be9d01e2d',1798628134);
INSERT INTO node_pools VALUES(X'01a22c18849d72058b028f3a99aa8ba6',X'01a22c1885f374c7856c224ba9bbcc59','konnect',2,3600,1796036134,1796036134,'retired',X'40b4aacd0fc9f4332e3e62ee6d768a648ccfd6ab060e60a2a33519f80830baf3',1798628134);
INSERT INTO node_pools VALUES(X'01a22c1884b2756ba6dc515b2c829b93',X'01a22c188697751484a6cf77b750b2dc','konnect',3,3600,1796036134,NULL,'edge',X'ec213e09a5f904db78fbc50826a158be1675ff419dfe076f9221c8c07d8e36e7',1798628134);
CREATE UNIQUE INDEX organizations_live_key ON organizations (key) WHERE removed = 0;
CREATE UNIQUE INDEX tokens_by_secret ON tokens (secret_sha256);
CREATE INDEX licenses_by_application ON licenses (organization_id, application, id);
CREATE INDEX licenses_newest ON licenses (organization_id, updated_at, revision);
CREATE INDEX answers_by_expiry ON answers (expires_at);
CREATE INDEX seats_by_account ON seats (organization_id, account_id);
CREATE UNIQUE INDEX leases_by_holder ON leases (organization_id, application, holder);
CREATE INDEX refusals_by_minute ON refusals (minute);
CREATE UNIQUE INDEX clients_by_client_id ON clients (client_id);
CREATE INDEX grants_by_client ON grants (organization_id, client, created_at);
CREATE UNIQUE INDEX grants_by_refresh_token ON grants (refresh_sha256);
CREATE UNIQUE INDEX grants_by_code ON grants (code_sha256);
CREATE INDEX codes_by_expiry ON codes (expires_at);
CREATE UNIQUE INDEX access_tokens_by_secret ON access_tokens (sha256);
CREATE INDEX access_tokens_by_grant ON access_tokens (organization_id, client, grant_id);
CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_at);
CREATE UNIQUE INDEX nodes_live_name ON nodes (organization_id, name) WHERE revoked_at IS NULL;
CREATE UNIQUE INDEX nodes_by_token ON nodes (token_sha256);
CREATE UNIQUE INDEX nodes_by_credential ON nodes (credential_sha256);
CREATE INDEX nodes_live_of_application ON nodes (organization_id, application)
    WHERE revoked_at IS NULL;
CREATE UNIQUE INDEX accounts_by_email ON accounts (organization_id, email_key);
CREATE INDEX accounts_apart ON accounts (organization_id, email)
    WHERE email_key IS NULL AND email IS NOT NULL;
CREATE INDEX leases_apart ON leases (organization_id, id)
    WHERE holder_key IS NULL AND holder IS NOT NULL;
CREATE INDEX refusals_by_holder ON refusals (organization_id, holder_key)
    WHERE holder_key IS NOT NULL;
CREATE INDEX leases_by_end ON leases (organization_id, expires_at);
CREATE UNIQUE INDEX leases_by_key ON leases (organization_id, holder_key, application);
CREATE INDEX answers_by_subject ON answers (organization_id, subject) WHERE subject IS NOT NULL;
CREATE INDEX codes_by_client ON codes (organization_id, client, expires_at);
CREATE INDEX tokens_by_end ON tokens (organization_id, expires_at)
    WHERE revoked_at IS NULL AND expires_at IS NOT NULL;
CREATE INDEX tokens_unrevoked ON tokens (organization_id, account_id, expires_at)
    WHERE revoked_at IS NULL;
CREATE INDEX usage_by_source ON usage (organization_id, source);
CREATE UNIQUE INDEX ended_leases_by_end
    ON ended_leases (organization_id, application, until, position);
CREATE INDEX ended_leases_by_holder
    ON ended_leases (organization_id, holder_key, application, until, position)
    WHERE in_index = 1 AND holder_key IS NOT NULL;
CREATE INDEX accounts_administrators ON accounts (organization_id, id)
    WHERE administrator = 1 AND status = 'active';
CREATE INDEX organizations_to_erase ON organizations (id) WHERE removed = 1 AND erased = 0;
CREATE UNIQUE INDEX node_pools_live_name ON node_pools (organization_id, name)
    WHERE revoked_at IS NULL;
CREATE UNIQUE INDEX node_pools_by_token ON node_pools (token_sha256);
CREATE INDEX nodes_live_of_pool ON nodes (organization_id, pool)
    WHERE revoked_at IS NULL AND pool IS NOT NULL;
CREATE INDEX nodes_live ON nodes (organization_id, id) WHERE revoked_at IS NULL;
CREATE INDEX nodes_left ON nodes (organization_id, left_by, revoked_at) WHERE left_by IS NOT NULL;
CREATE INDEX nodes_left_name ON nodes (organization_id, name) WHERE left_by IS NOT NULL;
CREATE INDEX nodes_by_id ON nodes (id);
CREATE INDEX licenses_newest_of_application
    ON licenses (organization_id, application, updated_at, revision, ends_at, begins_at);
CREATE INDEX licenses_by_end ON licenses (organization_id, application, ends_at, begins_at, id);
CREATE INDEX licenses_waiting
    ON licenses (organization_id, application, begins_at, ends_at, updated_at, revision)
    WHERE begins_at > updated_at;
CREATE INDEX accounts_there ON accounts (organization_id, id) WHERE status <> 'removed';
CREATE INDEX clients_there ON clients (organization_id, id) WHERE removed_at IS NULL;
CREATE INDEX node_pools_there ON node_pools (organization_id, id) WHERE revoked_at IS NULL;
COMMIT;
