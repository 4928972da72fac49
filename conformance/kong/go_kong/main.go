// Runs Debian's go-kong against the license routes, through its custom entities.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/ioutil"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/kong/go-kong/kong"
	"github.com/kong/go-kong/kong/custom"
)

const missingID = "0d6f5f8e-6f0a-4b59-9d6c-0b3f4e1a2c77"
const chosenID = "7c1f3f52-2f39-4c5e-8f7b-5a0d9f3b6e10"

var failures int

// check reports one case. What was seen instead is printed only when the case fails.
func check(name string, holds bool, seen ...interface{}) {
	if holds {
		fmt.Println("ok", name)
		return
	}
	failures++
	fmt.Println("FAIL", name+":", fmt.Sprint(seen...))
}

// must ends the run at an error that leaves nothing more to test.
func must(name string, err error) {
	if err != nil {
		check(name, false, err)
		os.Exit(1)
	}
}

func document(name string) string {
	text, err := ioutil.ReadFile(filepath.Join(os.Getenv("LICTOR_LICENSES"), name+".json"))
	must("read document "+name, err)
	return string(text)
}

// connect makes a client as its documentation does, with the token in a header.
func connect(token string) *kong.Client {
	return connectAt(os.Getenv("LICTOR_BASE"), token)
}

// connectAt makes one whose address ends with a workspace, as controllers do that are given one.
func connectAt(base string, token string) *kong.Client {
	header := http.Header{"Kong-Admin-Token": {token}}
	transport := http.Client{Transport: http.DefaultTransport}
	web := kong.HTTPClientWithHeaders(&transport, header)
	client, err := kong.NewClient(&base, &web)
	must("make a client", err)
	definition := custom.EntityCRUDDefinition{Name: "licenses", CRUDPath: "/licenses", PrimaryKey: "id"}
	must("register licenses", client.Register("licenses", &definition))
	return client
}

func license(object custom.Object) custom.Entity {
	entity := custom.NewEntityObject("licenses")
	entity.SetObject(object)
	return entity
}

// refused checks that a call failed with this status and a text in its message.
func refused(name string, err error, status int, says string) {
	var refusal *kong.APIError
	right := errors.As(err, &refusal) && refusal.Code() == status && strings.Contains(err.Error(), says)
	check(name, right, err)
}

func root(client *kong.Client) {
	root, err := client.Root(nil)
	must("read the root", err)
	version, _ := root["version"].(string)
	check("the root names a version", version != "" && version[0] >= '0' && version[0] <= '9', root)
	_, isObject := root["configuration"].(map[string]interface{})
	check("the root has a configuration", isObject, root)
}

// startUp makes the calls that an ingress controller makes before all others.
func startUp(client *kong.Client) {
	status, err := client.Status(nil)
	must("Status", err)
	check("the status says that the database is reachable", status.Database.Reachable, status)
	counted := status.Server.ConnectionsAccepted > 0 && status.Server.ConnectionsActive > 0
	check("the status counts connections", counted, status.Server)
	// What later versions of the client ask as the root of a workspace.
	request, err := client.NewRequest("GET", "/kong", nil, nil)
	must("make a request for /kong", err)
	var info map[string]interface{}
	_, err = client.Do(nil, request, &info)
	must("read /kong", err)
	_, hasVersion := info["version"].(string)
	check("/kong names a version", hasVersion, info)

	name, missing := "default", "missing"
	all, err := client.Workspaces.ListAll(nil)
	must("list the workspaces", err)
	check("the workspaces are listed", len(all) == 1 && *all[0].Name == name, all)
	found, err := client.Workspaces.Get(nil, &name)
	must("get a workspace by its name", err)
	check("a workspace is found by its name", *found.ID == *all[0].ID, found)
	found, err = client.Workspaces.Get(nil, all[0].ID)
	must("get a workspace by its id", err)
	check("a workspace is found by its id", *found.Name == name, found)
	_, err = client.Workspaces.Get(nil, &missing)
	check("a missing workspace is the client's not-found", kong.IsNotFoundErr(err), err)
	_, err = client.Workspaces.Create(nil, &kong.Workspace{Name: &missing})
	refused("Create of a workspace is 405", err, 405, "lictor organization create")
	_, err = client.Workspaces.Create(nil, &kong.Workspace{ID: all[0].ID, Name: &missing})
	refused("PUT of a workspace is 405", err, 405, "lictor organization create")
	err = client.Workspaces.Delete(nil, &name)
	refused("Delete of a workspace is 405", err, 405, "lictor organization")
}

func writesAndReads(client *kong.Client) custom.Object {
	payload := document("special")
	made, err := client.CustomEntities.Create(nil, license(custom.Object{"payload": payload}))
	must("Create", err)
	created := made.Object()
	check("Create keeps the payload byte for byte", created["payload"] == payload, created)

	got, err := client.CustomEntities.Get(nil, license(custom.Object{"id": created["id"]}))
	must("Get", err)
	check("Get answers what Create answered", reflect.DeepEqual(got.Object(), created), got.Object())
	upper := custom.Object{"id": strings.ToUpper(created["id"].(string))}
	got, err = client.CustomEntities.Get(nil, license(upper))
	must("Get by an upper-case UUID", err)
	check("Get takes an upper-case UUID", reflect.DeepEqual(got.Object(), created), got.Object())

	whole := custom.Object{}
	for key, value := range created {
		whole[key] = value
	}
	whole["payload"] = document("second")
	changed, err := client.CustomEntities.Update(nil, license(whole))
	must("Update with all fields", err)
	right := changed.Object()["payload"] == document("second")
	right = right && changed.Object()["created_at"] == created["created_at"]
	check("Update sends all fields and replaces the payload", right, changed.Object())
	return changed.Object()
}

// secondPass puts the same license twice, as a controller does, and compares.
func secondPass(client *kong.Client) {
	wanted := document("first")
	for _, pass := range []string{"first", "second"} {
		put, err := client.CustomEntities.Create(nil, license(custom.Object{"id": chosenID, "payload": wanted}))
		must("Create with an id", err)
		got, err := client.CustomEntities.Get(nil, license(custom.Object{"id": chosenID}))
		must("Get after PUT", err)
		same := put.Object()["id"] == chosenID && put.Object()["payload"] == wanted
		same = same && got.Object()["payload"] == wanted
		check("after the "+pass+" PUT nothing differs", same, got.Object())
	}
}

func lists(client *kong.Client) {
	for _, name := range []string{"first", "second", "special"} {
		_, err := client.CustomEntities.Create(nil, license(custom.Object{"payload": document(name)}))
		must("Create for the list", err)
	}
	all, err := client.CustomEntities.ListAll(nil, license(nil))
	must("ListAll", err)
	check("ListAll answers every license", len(all) == 5, len(all))

	var paged []custom.Entity
	for opt := (&kong.ListOpt{Size: 2}); opt != nil; {
		var page []custom.Entity
		page, opt, err = client.CustomEntities.List(nil, opt, license(nil))
		must("List by offset", err)
		check("a page has at most two", len(page) <= 2, len(page))
		paged = append(paged, page...)
	}
	check("pages of two by offset hold the same", reflect.DeepEqual(paged, all), paged)

	tag := "any"
	tagged := &kong.ListOpt{Size: 1000, Tags: []*string{&tag}}
	page, _, err := client.CustomEntities.List(nil, tagged, license(nil))
	must("List with tags", err)
	check("tags are ignored", len(page) == len(all), len(page))
}

func refusals(client *kong.Client, stored custom.Object) {
	api := client.CustomEntities
	_, err := api.Create(nil, license(custom.Object{"payload": document("tampered")}))
	refused("Create of a tampered license is 400", err, 400, "validation failed")
	_, err = api.Create(nil, license(custom.Object{"id": missingID, "payload": document("tampered")}))
	refused("PUT of a tampered license is 400", err, 400, "validation failed")
	_, err = api.Update(nil, license(custom.Object{"id": stored["id"], "payload": document("tampered")}))
	refused("Update to a tampered license is 400", err, 400, "validation failed")
	_, err = api.Create(nil, license(nil))
	refused("Create of an empty object is 400", err, 400, "required field missing")
	_, err = api.Get(nil, license(custom.Object{"id": missingID}))
	check("Get of a missing id is the client's not-found", kong.IsNotFoundErr(err), err)
	_, err = api.Get(nil, license(custom.Object{"id": "not-a-uuid"}))
	refused("Get of a non-UUID is 400", err, 400, "invalid primary key")
	_, err = api.Update(nil, license(custom.Object{"id": missingID, "payload": document("first")}))
	refused("Update of a missing id is 404", err, 404, "could not find the entity")
	_, err = connect(strings.Repeat("x", 40)).CustomEntities.ListAll(nil, license(nil))
	refused("a wrong token is 401", err, 401, "")
}

func deletes(client *kong.Client, stored custom.Object) {
	for _, time := range []string{"first", "second"} {
		err := client.CustomEntities.Delete(nil, license(custom.Object{"id": stored["id"]}))
		check("the "+time+" Delete succeeds", err == nil, err)
	}
	_, err := client.CustomEntities.Get(nil, license(custom.Object{"id": stored["id"]}))
	check("Get after Delete is not found", kong.IsNotFoundErr(err), err)
}

// times reads the list without the client, which decodes numbers as floats.
func times(token string) {
	request, err := http.NewRequest("GET", os.Getenv("LICTOR_BASE")+"/licenses", nil)
	must("make a request", err)
	request.Header.Set("Kong-Admin-Token", token)
	answer, err := http.DefaultClient.Do(request)
	must("read the list", err)
	defer answer.Body.Close()
	var list struct {
		Data []struct {
			CreatedAt int64 `json:"created_at"`
			UpdatedAt int64 `json:"updated_at"`
		} `json:"data"`
	}
	err = json.NewDecoder(answer.Body).Decode(&list)
	check("both times decode as 64-bit integers", err == nil && len(list.Data) > 0, err)
}

func main() {
	token := os.Getenv("LICTOR_TOKEN")
	client := connect(token)
	root(client)
	startUp(client)
	startUp(connectAt(os.Getenv("LICTOR_BASE")+"/default", token))
	startUp(connectAt(os.Getenv("LICTOR_BASE")+"//default/", token))
	stored := writesAndReads(client)
	secondPass(client)
	lists(client)
	times(token)
	refusals(client, stored)
	deletes(client, stored)
	if failures > 0 {
		os.Exit(1)
	}
}
