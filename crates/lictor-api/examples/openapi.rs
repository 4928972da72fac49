//! Prints the OpenAPI document of the native API.

fn main() {
    println!("{}", lictor_api::openapi::document());
}
