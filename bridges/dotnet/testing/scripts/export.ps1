param($File, $Change)
# The change is the connector's own object: scripts read its members as on the old server.
$row = [ordered]@{ id = $Change.AnchorAttributes['id'].Value; login = ''; level = '' }
foreach ($attribute in $Change.AttributeChanges) {
    if ($row.Contains($attribute.Name)) { $row[$attribute.Name] = $attribute.ValueChanges[0].Value }
}
if ($row.login -eq 'refused') { throw 'the application refuses this login' }
[pscustomobject]$row | Export-Csv -Path $File -Append -NoTypeInformation
