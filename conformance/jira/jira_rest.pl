# JIRA::REST against the server: its default is the version called latest.

use strict;
use warnings;
use JIRA::REST;

$| = 1;
my $failures = 0;

sub check {
    my ($name, $holds, $seen) = @_;
    $failures += !$holds;
    print $holds ? "ok $name\n" : "FAIL $name: " . ($seen // '') . "\n";
}

sub client {
    my ($base, $token, $email) = @_;
    return JIRA::REST->new({
        url      => $base,
        username => $email // $ENV{LICTOR_ADMIN_EMAIL},
        password => $token,
    });
}

sub refused {
    my ($name, $client, $path, $words) = @_;
    my $answer = eval { $client->GET($path) };
    check("$name is refused", !defined $answer && $@ =~ /\Q$words/, $@);
}

for my $where ('site', 'gateway') {
    my $base = $ENV{LICTOR_BASE};
    $base .= "/ex/jira/$ENV{LICTOR_CLOUD}" if $where eq 'gateway';
    my $admin = client($base, $ENV{LICTOR_ADMIN_TOKEN});
    # "/" begins a path behind the client's default version; the others name one.
    for my $version ('', '/rest/api/latest', '/rest/api/3', '/rest/api/2') {
        my $name = "$where " . ($version || 'default');
        my $license = $admin->GET("$version/instance/license");
        my $plans = join ', ', map { "$_->{id} $_->{plan}" } @{$license->{applications}};
        my $wanted = 'jira-core PAID, jira-servicedesk FREE, jira-software PAID';
        check("$name plans", $plans eq $wanted, $plans);
        my $total = $admin->GET("$version/license/approximateLicenseCount");
        check("$name total", $total->{value} eq '5', $total->{value});
        my $count = $admin->GET("$version/license/approximateLicenseCount/product/jira-core");
        check("$name jira-core", $count->{value} eq '3', $count->{value});
        my $info = $admin->GET("$version/serverInfo");
        check("$name serverInfo", $info->{deploymentType} eq 'Cloud', $info->{deploymentType});
        my $me = $admin->GET("$version/myself");
        check("$name myself", $me->{emailAddress} eq $ENV{LICTOR_ADMIN_EMAIL}, $me->{emailAddress});
        refused("$name unknown path", $admin, "$version/nothing", '404');
        my $wrong = client($base, 'wrong');
        refused("$name wrong token", $wrong, "$version/instance/license", 'Client must be authenticated');
        my $other = client($base, $ENV{LICTOR_OTHER_TOKEN}, $ENV{LICTOR_OTHER_EMAIL});
        refused("$name no administrator", $other, "$version/license/approximateLicenseCount", 'Only Jira administrators');
        my $narrow = client($base, $ENV{LICTOR_NARROW_TOKEN});
        refused("$name no scope", $narrow, "$version/instance/license", 'scope does not match');
    }
}
exit($failures ? 1 : 0);
