param($File)
# What is written for the eye must not reach the protocol.
Write-Host 'importing'
Import-Csv -Path $File | Where-Object { $_.id } | ForEach-Object {
    [pscustomobject]@{ id = $_.id; login = $_.login.ToLower(); level = [long]$_.level }
}
