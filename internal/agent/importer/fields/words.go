package fields

// The words by which fields are told, as fold leaves them: English, German, French,
// Dutch, Spanish, in this order.

// A factWord is what a fact, or a part of one, is called at the end of a path: anywhere,
// or only where the path speaks of her.
type factWord struct {
	fact, part  string
	whole, ours []string
}

var factWords = []factWord{
	{fact: "email", whole: []string{"email", "e mail", "mail", "email address", "e mail address", "mail address", "emails", "primary email", "contact email",
		"mailadresse", "emailadresse", "e mail adresse", "email adresse",
		"courriel", "adresse email", "adresse e mail", "adresse mail", "adresse courriel",
		"emailadres", "e mailadres", "mailadres", "e mail adres",
		"correo", "correo electronico", "direccion de correo", "direccion de correo electronico"}},
	{fact: "phone", whole: []string{"phone", "phone number", "telephone", "telephone number", "tel", "mobile", "mobile phone", "mobile number", "cell", "cell phone", "msisdn",
		"telefon", "telefonnummer", "mobil", "mobilnummer", "handy", "handynummer", "rufnummer",
		"numero de telephone", "portable", "numero de portable", "telephone mobile", "telephone portable",
		"telefoon", "telefoonnummer", "gsm", "gsm nummer", "mobiel", "mobiel nummer",
		"telefono", "numero de telefono", "movil", "telefono movil", "celular"}},
	{fact: "birth_date", whole: []string{"birth date", "birthdate", "birthday", "date of birth", "dob", "birth day", "born",
		"geburtsdatum", "geburtstag", "date de naissance", "naissance", "geboortedatum", "verjaardag", "fecha de nacimiento", "nacimiento"}},
	{fact: "customer_number", whole: []string{"customer number", "customer no", "customer id", "customerid", "client number", "client id", "account number", "member id", "member number", "membership number",
		"kundennummer", "kunden nr", "kundennr", "kunden id", "mitgliedsnummer",
		"numero client", "numero de client", "n client", "identifiant client", "numero d abonne",
		"klantnummer", "klant nr", "klantnr", "klant id", "lidnummer",
		"numero de cliente", "id de cliente", "id cliente", "numero de socio"}},
	{fact: "bank_account", whole: []string{"iban", "bank account", "bank account number", "bankverbindung", "kontonummer", "compte bancaire", "rekeningnummer", "bankrekening", "cuenta bancaria", "numero de cuenta"}},
	{fact: "login", whole: []string{"username", "user name", "login name", "nickname", "screen name", "benutzername", "nutzername", "nom d utilisateur", "identifiant", "pseudo", "gebruikersnaam", "nombre de usuario", "usuario"}},
	{fact: "name.first", whole: []string{"first name", "firstname", "given name", "givenname", "forename", "vorname", "prenom", "voornaam", "nombre de pila"}},
	{fact: "name.last", whole: []string{"last name", "lastname", "surname", "family name", "familyname", "nachname", "familienname", "nom de famille", "achternaam", "familienaam", "apellido", "apellidos"}},
	{fact: "name", whole: []string{"full name", "fullname", "display name", "displayname", "customer name", "account holder", "vollstandiger name", "nom complet", "nom et prenom", "volledige naam", "nombre completo", "nombre y apellidos"},
		ours: []string{"name", "nom", "naam", "nombre"}},
	{fact: "gender", whole: []string{"gender", "sex", "geschlecht", "anrede", "sexe", "civilite", "geslacht", "aanhef", "sexo", "genero"}},
	{fact: "language", ours: []string{"language", "preferred language", "locale", "sprache", "langue", "taal", "idioma"}},
	{fact: "address.home", part: "street", whole: []string{"street", "street address", "address line 1", "address line", "address 1", "address1", "line 1", "line1", "street line 1", "street name",
		"strasse", "strasse und hausnummer", "anschrift", "rue", "adresse ligne 1", "voie", "straat", "straatnaam", "straat en huisnummer", "calle", "direccion linea 1"},
		ours: []string{"address", "adresse", "adres", "direccion", "home address"}},
	{fact: "address.home", part: "extra", ours: []string{"address line 2", "address2", "address 2", "line 2", "line2", "adresszusatz", "complement d adresse", "toevoeging", "piso"}},
	{fact: "address.home", part: "postal_code", whole: []string{"postal code", "postalcode", "postcode", "post code", "zip", "zip code", "zipcode", "plz", "postleitzahl", "code postal", "codigo postal"}},
	{fact: "address.home", part: "city", whole: []string{"town", "wohnort", "woonplaats", "localidad"}, ours: []string{"city", "locality", "ort", "stadt", "ville", "commune", "stad", "plaats", "gemeente", "ciudad", "poblacion", "municipio"}},
	{fact: "address.home", part: "region", ours: []string{"state", "region", "province", "county", "bundesland", "departement", "provincie", "provincia"}},
	{fact: "address.home", part: "country", ours: []string{"country", "country code", "land", "pays", "pais"}},
}

// generic are ends of paths that say nothing by themselves.
var generic = []string{"value", "text", "content", "number", "address", "wert", "valeur", "waarde", "valor", "data", "current", "primary", "full", "raw", "formatted"}

// ourWords say that a path speaks of her.
var ourWords = []string{"account", "customer", "user", "profile", "contact", "person", "personal", "member", "client", "subscriber", "billing", "shipping", "delivery", "recipient", "home", "address", "addresses", "me", "data subject", "identity", "owner", "holder",
	"konto", "kunde", "kunden", "kundendaten", "nutzer", "profil", "kontakt", "stammdaten", "lieferung", "lieferadresse", "rechnungsadresse", "adresse", "anschrift",
	"compte", "utilisateur", "abonne", "coordonnees", "livraison", "facturation", "adresses",
	"klant", "klantgegevens", "gebruiker", "profiel", "levering", "adres", "adressen", "persoonsgegevens", "gegevens",
	"cuenta", "cliente", "usuario", "perfil", "contacto", "titular", "envio", "facturacion", "direccion", "datos personales"}

var workWords = []string{"work", "office", "business", "company address", "arbeit", "geschaft", "dienstlich", "bureau", "travail", "werk", "kantoor", "trabajo", "oficina"}

var boughtWords = []string{"bought", "purchased from", "third party", "third parties", "thirdparty", "3rd party", "data broker", "databroker", "broker", "data partner", "partners", "partner data", "data provider", "dataprovider", "enrichment", "enriched", "appended", "external source", "acxiom", "experian", "equifax", "oracle data", "liveramp", "epsilon", "schober",
	"zugekauft", "drittanbieter", "fremddaten", "externe quelle", "adresshandel", "datenhandel", "anreicherung", "angereichert", "auskunftei",
	"donnees achetees", "tierce partie", "source externe", "fournisseur de donnees", "courtier", "partenaires", "enrichissement",
	"aangekocht", "derde partij", "derden", "externe bron", "datahandel", "verrijking", "verrijkt",
	"terceros", "comprado", "fuente externa", "enriquecimiento", "proveedor de datos"}

var inferredWords = []string{"segment", "segments", "score", "scores", "scoring", "affinity", "affinities", "predicted", "prediction", "propensity", "interest", "interests", "inferred", "inference", "likelihood", "probability", "lookalike", "churn", "estimated", "estimate", "derived", "audience", "audiences", "profiling", "lifetime value", "clv", "ltv", "rfm", "lifestyle", "cluster", "topics",
	"interessen", "affinitat", "wahrscheinlichkeit", "vorhersage", "prognose", "geschatzt", "vermutet", "zielgruppe", "abgeleitet", "kaufkraft", "bonitat", "einstufung",
	"interet", "interets", "centres d interet", "probabilite", "estime", "deduit", "predit", "propension", "affinite",
	"interesse", "interesses", "voorspelling", "voorspeld", "waarschijnlijkheid", "geschat", "afgeleid", "doelgroep", "affiniteit",
	"intereses", "puntuacion", "prediccion", "probabilidad", "estimado", "inferido", "afinidad", "segmento", "segmentos"}

// observedWords count at the end of a path only: an address in an order was told.
var observedWords = []string{"ip", "ip address", "last ip", "user agent", "useragent", "device", "device id", "browser", "cookie", "last login", "last seen", "timestamp", "latitude", "longitude", "ip adresse", "adresse ip", "ip adres", "direccion ip"}
